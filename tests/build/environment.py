"""Makes a virtual environment in the project with the tools that its caller names, and a package beside it."""

import glob, os, sys, venv, zipfile
venv.create(".venv", with_pip=True, symlinks=True)
own = glob.glob(".venv/lib/python3*/site-packages")[0]
tools = glob.glob(os.path.join(os.path.dirname(sys.argv[1]), "lib/python3*/site-packages"))[0]
with open(own + "/tools.pth", "w") as file:
    file.write(tools + "\n")
with open(".venv/bin/pytest", "w") as file:
    file.write(f"#!{os.getcwd()}/.venv/bin/python3\nimport sys\nfrom pytest import console_main\nsys.exit(console_main())\n")
os.chmod(".venv/bin/pytest", 0o755)
with zipfile.ZipFile("tiny-1.0-py3-none-any.whl", "w") as file:
    about = "tiny-1.0.dist-info/"
    file.writestr("tiny.py", "TWO = 2\n")
    file.writestr(about + "METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
    file.writestr(about + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    file.writestr(about + "RECORD", "".join(f"{name},,\n" for name in ["tiny.py", about + "METADATA", about + "WHEEL", about + "RECORD"]))
