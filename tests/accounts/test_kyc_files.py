"""Which files are taken as documents, and what is left of them."""

import io
import subprocess
import sys

import pikepdf
import pytest
from PIL import Image

from accounts.kyc import decoder, decoding
from accounts.kyc.refusals import MAX_BYTES, FileRefused
from tests.accounts.papers import (
    SCRIPT,
    archive,
    gif_that_is_a_script,
    image,
    image_of_two_gigapixels,
    pdf,
    told_on,
    written_by_hand,
)


def refusal(data: bytes) -> str:
    with pytest.raises(FileRefused) as caught:
        decoder.decode(data)
    return caught.value.code.name


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_of_an_image_only_the_picture_is_left_and_it_stands_upright(form):
    sent = told_on(form)
    assert sent.count(b"SECRET") > 1
    clean = decoder.decode(sent)
    assert b"SECRET" not in clean.content
    assert clean.media_type == f"image/{form.lower()}"
    assert opened(clean.content).size == (40, 60)
    assert not set(opened(clean.content).info) - {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.parametrize(
    ("mode", "kept"), [("1", "L"), ("L", "L"), ("LA", "RGBA"), ("P", "RGB"), ("I;16", "L"), ("RGBA", "RGBA")]
)
def test_every_mode_of_png_becomes_one_that_browsers_show(mode, kept):
    assert opened(decoder.decode(image("PNG", mode=mode)).content).mode == kept


def test_sixteen_bits_of_grey_are_scaled_not_cut():
    target = io.BytesIO()
    Image.new("I;16", (4, 4), 128 * 256).save(target, "PNG")
    assert opened(decoder.decode(target.getvalue()).content).getpixel((0, 0)) == 128


def test_a_colour_print_jpeg_becomes_an_ordinary_one():
    assert opened(decoder.decode(image(mode="CMYK")).content).mode == "RGB"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "file_empty", id="nothing"),
        pytest.param(b"\xff\xd8\xff" + bytes(MAX_BYTES), "file_too_large", id="one byte too many"),
        pytest.param(b'<svg xmlns="http://www.w3.org/2000/svg"/>', "file_type", id="svg"),
        pytest.param(SCRIPT, "file_type", id="html"),
        pytest.param(gif_that_is_a_script(), "file_type", id="gif and script"),
        pytest.param(image("WEBP"), "file_type", id="webp"),
        pytest.param(image("TIFF"), "file_type", id="tiff"),
        pytest.param(archive(), "file_type", id="zip bomb"),
        pytest.param(b"MZ" + bytes(100), "file_type", id="program"),
        pytest.param(b"\n" + pdf(), "file_type", id="pdf behind something"),
        pytest.param(b"\xff\xd8\xff" + SCRIPT, "file_unreadable", id="jpeg header on html"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + SCRIPT, "file_unreadable", id="png header on html"),
        pytest.param(image(size=(500, 500))[:1500], "file_unreadable", id="half a jpeg"),
        pytest.param(image("PNG", (500, 500))[:-30], "file_unreadable", id="half a png"),
        pytest.param(image("PNG", (50_000, 1_001), "1"), "image_too_large", id="50 megapixels and a line"),
        pytest.param(b"%PDF-1.7\n" + SCRIPT, "file_unreadable", id="pdf header on html"),
        pytest.param(pdf()[:-60], "file_unreadable", id="half a pdf"),
        pytest.param(pdf() + archive()[:200], "file_unreadable", id="pdf and archive"),
        pytest.param(pdf() + SCRIPT, "file_unreadable", id="pdf and html"),
        pytest.param(pdf(0), "file_unreadable", id="no pages"),
        pytest.param(pdf(51), "pdf_too_long", id="51 pages"),
        pytest.param(
            pdf(encryption=pikepdf.Encryption(owner="a", user="b")), "file_unreadable", id="password"
        ),
    ],
)
def test_what_is_no_document_is_refused_with_its_reason(data, code):
    assert refusal(data) == code


def test_a_bomb_is_seen_by_its_header():
    assert refusal(image_of_two_gigapixels()) == "image_too_large"


def attach(made: pikepdf.Pdf) -> None:
    made.attachments["a.txt"] = b"x"


STREAM_FROM_A_FILE = b"4 0 obj\n<</Length 0/F(/etc/passwd)>>stream\n\nendstream\nendobj\n"
IMAGE_OF_A_GIGAPIXEL = (
    b"4 0 obj\n<</Type/XObject/Subtype/Image/Width 40000/Height 40000/Length 1>>"
    b"stream\nx\nendstream\nendobj\n"
)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (written_by_hand(b"/OpenAction<</S/JavaScript/JS(app.alert(1))>>"), "pdf_active_content"),
        (written_by_hand(b"/OpenAction<</S/J#61vaScript/J#53(app.alert(1))>>"), "pdf_active_content"),
        (written_by_hand(b"/AA<</WC<</S/Launch/F(cmd.exe)>>>>"), "pdf_active_content"),
        (written_by_hand(b"/AcroForm<</XFA(x)>>"), "pdf_active_content"),
        (written_by_hand(b"/A[<</S/SubmitForm/F(http://x)>>]"), "pdf_active_content"),
        (written_by_hand(b"/A<</S/GoToR/F(x.pdf)>>"), "pdf_active_content"),
        (written_by_hand(more=b"4 0 obj\n<</Subtype/RichMedia>>\nendobj\n"), "pdf_active_content"),
        (written_by_hand(more=STREAM_FROM_A_FILE), "pdf_active_content"),
        (pdf(change=attach), "pdf_active_content"),
        (pdf(change=attach, object_stream_mode=pikepdf.ObjectStreamMode.generate), "pdf_active_content"),
        (written_by_hand(more=IMAGE_OF_A_GIGAPIXEL), "image_too_large"),
    ],
)  # fmt: skip
def test_a_pdf_that_could_do_something_is_refused(data, code):
    assert refusal(data) == code


def test_a_pdf_is_written_anew_without_what_describes_it():
    def describe(made: pikepdf.Pdf) -> None:
        made.docinfo["/Author"] = "SECRET author"
        made.Root.Metadata = made.make_stream(b"SECRET metadata")
        made.pages[0].obj.PieceInfo = pikepdf.Dictionary(Maker="SECRET maker")

    sent = pdf(2, describe, compress_streams=False)
    assert b"/Metadata" in sent
    assert b"SECRET maker" in sent
    clean = decoder.decode(sent + b"\r\n")
    assert clean.media_type == "application/pdf"
    with pikepdf.open(io.BytesIO(clean.content)) as kept:
        assert len(kept.pages) == 2
        assert "/Info" not in kept.trailer
        assert "/Metadata" not in kept.Root
        assert "/PieceInfo" not in kept.pages[0].obj


def test_a_link_in_a_pdf_is_only_looked_at():
    assert decoder.decode(written_by_hand(b"/A<</S/URI/URI(https://example.org)>>"))


def test_a_heic_photo_is_told_apart_with_what_to_do_about_it():
    with pytest.raises(FileRefused) as caught:
        decoding.decode(b"\x00\x00\x00\x18ftypheic" + bytes(40))
    assert caught.value.code.name == "file_type"
    assert "Most Compatible" in caught.value.detail


def test_decoding_happens_in_a_process_without_our_secrets(monkeypatch):
    seen = {}
    run = subprocess.run

    def watched(command, **options):
        seen.update(options)
        return run(command, **options)

    monkeypatch.setenv("SECRET_KEY", "must-not-travel")
    monkeypatch.setattr(subprocess, "run", watched)
    assert decoding.decode(told_on("PNG")).media_type == "image/png"
    assert set(seen["env"]) == {"PYTHONUTF8"}
    with pytest.raises(FileRefused, match="pdf_too_long"):
        decoding.decode(pdf(51))


def test_a_file_that_kills_its_decoder_is_unreadable(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(FileRefused, match="file_unreadable"):
        decoding.decode(image())


def test_the_decoder_has_little_memory():
    question = (
        "from accounts.kyc import decoder; "
        "decoder.decode = lambda data: bytearray(decoder.MEMORY_BYTES); decoder.main()"
    )
    done = subprocess.run([sys.executable, "-c", question], input=b"", capture_output=True, check=False)
    assert b"MemoryError" in done.stderr


def test_serving_uploads_loads_no_decoder():
    question = "import sys, accounts.kyc.decoding; sys.exit({'PIL', 'pikepdf'} & set(sys.modules) != set())"
    assert subprocess.run([sys.executable, "-c", question], check=False).returncode == 0
