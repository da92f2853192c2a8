import json, shutil


def clear():
    """Leaves what a try made to nobody."""
    for entry in os.scandir("sub"):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        elif entry.name != "file":
            os.unlink(entry.path)


def attempt(text):
    """Runs one try in a process of its own; its code, and what it said."""
    said = os.memfd_create("said")
    child = os.fork()
    if child == 0:
        code = 0
        os.dup2(said, 1)
        os.dup2(said, 2)
        try:
            exec(text, globals())
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
            if isinstance(end.code, str):
                print(end.code)
        except BaseException as error:
            code = 1
            print(error)
        sys.stdout.flush()
        os._exit(code)
    status = os.waitpid(child, 0)[1]
    heard = os.pread(said, 4096, 0).decode(errors="replace")
    os.close(said)
    return os.waitstatus_to_exitcode(status), heard


for text in TEXTS:
    code, said = attempt(text)
    clear()
    print(json.dumps({"code": code, "said": said}), flush=True)
