// SPDX-License-Identifier: MPL-2.0

// An application in C that watches avrec-switch.
//
// It plays a test picture through the upscalers of a catalogue for some seconds (three, or as many as are given), with
// the settings of the preset "strict". It hears of each change by the signal candidate-changed, and reads stats each
// second and, at the end, the explanation.
//
//   cc $(pkg-config --cflags gstreamer-1.0) -o monitor examples/c/monitor.c $(pkg-config --libs gstreamer-1.0)
//   GST_PLUGIN_PATH=target/release ./monitor models/upscale.toml [SECONDS]

#include <locale.h>
#include <stdlib.h>

#include <gst/gst.h>

// Comes on the streaming thread, so what is done here must be short.
static void on_candidate_changed(GstElement *element, const gchar *from, const gchar *to, const gchar *reason,
                                 gpointer data) {
  (void)element;
  (void)data;
  if (from && *from)
    g_print("%s answers instead of %s: %s\n", to, from, reason);
  else
    g_print("%s answers: %s\n", to, reason);
}

// What is not known yet is absent from a structure.
static void print_candidate(const GstStructure *candidate) {
  guint64 answers = 0, latency = 0;
  gdouble quality = 0.0;
  gst_structure_get_uint64(candidate, "answers", &answers);
  g_print("    %-8s %-8s %6" G_GUINT64_FORMAT " answers", gst_structure_get_string(candidate, "name"),
          gst_structure_get_string(candidate, "state"), answers);
  if (gst_structure_get_uint64(candidate, "latency-p50-ns", &latency))
    g_print(", half of its runs within %.1f ms", latency / 1e6);
  if (gst_structure_get_double(candidate, "quality", &quality))
    g_print(", quality %.3f", quality);
  g_print("\n");
}

static void print_stats(GstElement *element) {
  GstStructure *stats = NULL;
  guint64 out = 0, misses = 0;
  g_object_get(element, "stats", &stats, NULL);
  gst_structure_get_uint64(stats, "out", &out);
  gst_structure_get_uint64(stats, "misses", &misses);
  g_print("%" G_GUINT64_FORMAT " frames, %" G_GUINT64_FORMAT " misses\n", out, misses);
  const GValue *candidates = gst_structure_get_value(stats, "candidates");
  for (guint index = 0; index < gst_value_array_get_size(candidates); index++)
    print_candidate(gst_value_get_structure(gst_value_array_get_value(candidates, index)));
  gst_structure_free(stats);
}

static void print_explanation(GstElement *element) {
  GstStructure *explanation = NULL;
  g_signal_emit_by_name(element, "explain", &explanation);
  g_print("%s\n", gst_structure_get_string(explanation, "text"));
  gst_structure_free(explanation);
}

// Tells an error or a warning of the pipeline; whether it can go on.
static gboolean told(GstMessage *message) {
  GError *fault = NULL;
  gchar *details = NULL;
  gboolean is_error = GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR;
  if (is_error)
    gst_message_parse_error(message, &fault, &details);
  else
    gst_message_parse_warning(message, &fault, &details);
  g_printerr("%s: %s (%s)\n", is_error ? "Error" : "Warning", fault->message, details ? details : "");
  g_error_free(fault);
  g_free(details);
  return !is_error;
}

// Plays for so many seconds; whether no error ended it.
static gboolean watch(GstElement *pipeline, GstElement *element, int seconds) {
  GstBus *bus = gst_element_get_bus(pipeline);
  gint64 next = g_get_monotonic_time() + G_USEC_PER_SEC;
  gboolean goes_on = TRUE;
  while (goes_on && 0 < seconds) {
    gint64 left = MAX(next - g_get_monotonic_time(), 0);
    GstMessage *message =
        gst_bus_timed_pop_filtered(bus, left * GST_USECOND, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
    if (message) {
      goes_on = told(message);
      gst_message_unref(message);
    } else {
      print_stats(element);
      next += G_USEC_PER_SEC;
      seconds--;
    }
  }
  gst_object_unref(bus);
  return goes_on;
}

int main(int count, char **arguments) {
  setlocale(LC_ALL, "");
  gst_init(&count, &arguments);
  if (count < 2) {
    g_printerr("monitor CATALOG [SECONDS]\n");
    return 2;
  }
  GError *fault = NULL;
  GstElement *pipeline = gst_parse_launch(
      "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=180 "
      "! avrec-switch name=switch ! videoconvert ! fakesink",
      &fault);
  if (fault) {
    g_printerr("%s; is the plugin at GST_PLUGIN_PATH?\n", fault->message);
    return 1;
  }
  GstElement *element = gst_bin_get_by_name(GST_BIN(pipeline), "switch");
  g_object_set(element, "catalog", arguments[1], NULL);
  if (!gst_preset_load_preset(GST_PRESET(element), "strict")) {
    g_printerr("The switch has no preset \"strict\"\n");
    return 1;
  }
  g_signal_connect(element, "candidate-changed", G_CALLBACK(on_candidate_changed), NULL);

  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  gboolean went_well = watch(pipeline, element, 2 < count ? atoi(arguments[2]) : 3);
  print_explanation(element);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(element);
  gst_object_unref(pipeline);
  return went_well ? 0 : 1;
}
