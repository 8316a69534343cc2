"""The project's pages as run-blocks and compile-blocks read them: fenced blocks, what stands above each, and the prose between them."""
import os
import re

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


class Block:
    """Lines between two fences. `notes` are the comments right above it, by what they begin with."""

    def __init__(self, line, language, notes):
        self.line, self.language, self.notes, self.lines, self.end = line, language, notes, [], line

    @property
    def text(self):
        return "\n".join(self.lines) + "\n"

    @property
    def reason(self):
        """For which it is not run, or None."""
        return self.notes.get("not run")


def all_pages():
    found = []
    for at, folders, files in os.walk(TREE):
        folders[:] = [f for f in folders if not f.startswith(".") and f not in ("build", "results")]
        found += [os.path.relpath(os.path.join(at, f), TREE) for f in files if f.endswith(".md")]
    return sorted(found)


def read(page, say):
    """The blocks of a page, and the lines between them as (number, line)."""
    blocks, prose, block, notes = [], [], None, {}
    for number, line in enumerate(open(os.path.join(TREE, page), encoding="utf-8").read().splitlines(), 1):
        if line.strip().startswith("```"):
            if block:
                block.end = number
                blocks.append(block)
                block, notes = None, {}
            else:
                block = Block(number, line.strip()[3:], notes)
            continue
        if block:
            block.lines.append(line)
            continue
        prose.append((number, line))
        note = re.fullmatch(r" {0,3}<!-- (not run|given|refused): (.*) -->", line.rstrip())
        if note:
            notes[note[1]] = note[2]
            if note[1] == "not run" and len(note[2].split()) < 3:
                say(page, number, f"'{note[2]}' is no reason")
        elif line.strip():
            for name in notes:
                say(page, number, f"a comment '{name}' stands above no block")
            notes = {}
    return blocks, prose
