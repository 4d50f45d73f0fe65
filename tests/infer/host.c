// SPDX-License-Identifier: MPL-2.0

// A program that was not made for this plugin: it loads libraries in an order of its own, plays a launch line and tells
// how that ended, "error: TEXT" or "eos", and then "alive".
//
//   host PIPELINE [local:LIBRARY | global:LIBRARY | throw:LIBRARY]...
//
// throw: has LIBRARY's function `catch_own_exception` called, which throws and catches.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <gst/gst.h>

static void *find(const char *name) {
  void *found = dlsym(RTLD_DEFAULT, name);
  if (!found)
    fprintf(stderr, "no %s: %s\n", name, dlerror());
  return found;
}

// Functions of GStreamer, which may be linked, or loaded as a language binding does.
#define CALL(name, ...) ((__typeof__(&name))find(#name))(__VA_ARGS__)

static int load(const char *order) {
  const char *name = strchr(order, ':') + 1;
  int scope = order[0] == 'g' ? RTLD_GLOBAL : RTLD_LOCAL;
  void *library = dlopen(name, RTLD_NOW | scope);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    return 0;
  }
  if (order[0] == 't')
    ((void (*)(void))dlsym(library, "catch_own_exception"))();
  return 1;
}

int main(int count, char **arguments) {
  setvbuf(stdout, NULL, _IONBF, 0);
  for (int index = 2; index < count; index++)
    if (!load(arguments[index]))
      return 2;
  CALL(gst_init, NULL, NULL);
  GError *fault = NULL;
  GstElement *pipeline = CALL(gst_parse_launch, arguments[1], &fault);
  if (fault) {
    printf("no pipeline: %s\n", fault->message);
    return 3;
  }
  CALL(gst_element_set_state, pipeline, GST_STATE_PLAYING);
  GstBus *bus = CALL(gst_element_get_bus, pipeline);
  GstMessage *message =
      CALL(gst_bus_timed_pop_filtered, bus, 60 * GST_SECOND, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING | GST_MESSAGE_EOS);
  if (!message) {
    printf("nothing\n");
  } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
    printf("eos\n");
  } else {
    GError *error = NULL;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
      CALL(gst_message_parse_error, message, &error, NULL);
    else
      CALL(gst_message_parse_warning, message, &error, NULL);
    printf("error: %s\n", error->message);
  }
  CALL(gst_element_set_state, pipeline, GST_STATE_NULL);
  for (int index = 2; index < count; index++)
    if (arguments[index][0] == 't')
      load(arguments[index]);
  printf("alive\n");
  return 0;
}
