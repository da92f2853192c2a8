# Compiles sources, and runs none of them. Arguments: for each source the word `pytest` or `python`, and its path.
# Standard output: for each, in turn, the lengths of what follows (two numbers of 32 bits, little endian), the name that
# the compiled form goes by, and the form without times and sizes: Python's own number, then the code. Both are empty
# where it cannot be compiled.
import ast
import importlib.machinery
import importlib.util
import marshal
import os
import struct
import sys


def by_python(path, data):
    return importlib.machinery.SourceFileLoader("source", path).source_to_code(data, path)


def by_pytest(path, data):
    from _pytest.assertion import rewrite

    tree = ast.parse(data, filename=path)
    rewrite.rewrite_asserts(tree, data, path, None)
    return compile(tree, path, "exec", dont_inherit=True)


def compiled(by, path):
    try:
        with open(path, "rb") as source:
            data = source.read()
        tag = sys.implementation.cache_tag
        if by == "pytest":
            from _pytest.assertion import rewrite

            code, tag = by_pytest(path, data), rewrite.PYTEST_TAG
        else:
            code = by_python(path, data)
        name = "%s.%s.pyc" % (os.path.basename(path)[: -len(".py")], tag)
        return name.encode(), importlib.util.MAGIC_NUMBER + marshal.dumps(code)
    except Exception:
        return b"", b""


def main():
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    words = sys.argv[1:]
    for by, path in zip(words[::2], words[1::2]):
        name, form = compiled(by, path)
        out.write(struct.pack("<II", len(name), len(form)) + name + form)
        # What ends this process ends what comes after, and nothing that was made.
        out.flush()


main()
