"""`residency export`: one line on success, the file read back."""

from typer.testing import CliRunner

from residency.cli.app import app
from residency.models import build, save_model


def test_export_says_what_it_wrote(tmp_path):
    net = build("cifar_resnet20", num_classes=2, image_size=16)
    save_model(net, tmp_path / "net.keras")
    out = tmp_path / "net.safetensors"
    arguments = ["export", str(tmp_path / "net.keras"), "--out", str(out)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    size = f"{out.stat().st_size:,}"
    assert f"{out}: {size} bytes, read back and equal" in done.output
