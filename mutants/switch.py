"""Rewrites Rust sources so that every mutant is in them at once, each behind a switch.

A mutant is what `cargo mutants --list --json` says. `a + b` becomes

    (match ((a), (b)) { (__l, __r) => match at(&[7, 8]) { 7 => { __l - __r } 8 => { __l * __r } _ => { __l + __r } } })

so that operands are evaluated once and in order, and expressions within expressions do not multiply the code.
"""

import tree_sitter
import tree_sitter_rust

PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_rust.language()))
COMPARISONS = {"<", ">", "<=", ">=", "==", "!="}


class Unswitchable(Exception):
    pass


class Unviable(Unswitchable):
    pass


def fate(why):
    return "unviable" if isinstance(why, Unviable) else f"left: {why}"


class File:
    """One source file with the mutants in it: pairs of a number and an entry of the list."""

    def __init__(self, source: bytes, mutants, path: str):
        self.source = source
        # Whether a mutant is on, and which one of several at a place.
        self.on, self.at = path + "::on", path + "::at"
        self.lines = [0]
        for line in source.split(b"\n"):
            self.lines.append(self.lines[-1] + len(line) + 1)
        self.tree = PARSER.parse(source)
        # (place, kind, size, pieces): kind 0 closes, 1 opens; a piece is (text, mutant or None).
        self.inserts = []
        self.cuts = []
        # Pairs of a number and a fate.
        self.left = []
        # [start, end, mutants] in what is written, innermost last found by size.
        self.alternatives, self.sites = [], []
        sites = {}
        for number, mutant in mutants:
            try:
                key = self.site(mutant)
            except Unswitchable as why:
                self.left.append((number, fate(why)))
                continue
            sites.setdefault(key, []).append((number, mutant))
        for (genre, start, end), found in sites.items():
            try:
                getattr(self, genre)(start, end, found)
            except Unswitchable as why:
                self.left += [(number, fate(why)) for number, _ in found]

    def place(self, at):
        start = self.lines[at["line"] - 1]
        line = self.source[start:self.lines[at["line"]]].decode()
        return start + len(line[:at["column"] - 1].encode())

    def node(self, start, end, kinds):
        """The smallest node of one of these kinds around these bytes."""
        node = self.tree.root_node.descendant_for_byte_range(start, end)
        while node is not None and node.type not in kinds:
            # `a && let b = c || d` does not compile either.
            if node.type == "let_chain":
                raise Unviable("a junction with `let`")
            node = node.parent
        if node is None:
            raise Unswitchable("no expression of a known kind")
        above = node
        while (above := above.parent) is not None:
            if above.type == "compound_assignment_expr" and start < above.child_by_field_name("left").end_byte:
                raise Unswitchable("inside a place that is assigned to")
        return node

    def site(self, mutant):
        start, end = self.place(mutant["span"]["start"]), self.place(mutant["span"]["end"])
        genre = mutant["genre"]
        if genre not in ("FnValue", "BinaryOperator", "UnaryOperator", "MatchArm", "MatchArmGuard", "StructField"):
            raise Unswitchable("a genre without a switch: " + genre)
        return genre, start, end

    def open(self, place, size, *pieces):
        self.inserts.append((place, 1, -size, pieces))

    def close(self, place, size, *pieces):
        self.inserts.append((place, 0, size, pieces))

    def text(self, node):
        return self.source[node.start_byte:node.end_byte].decode()

    def choice(self, found, alternative, default):
        """One look at the switch, however many mutants a place has."""
        pieces = [(f"match {self.at}(&{[number for number, _ in found]}) {{ ", None)]
        for number, mutant in found:
            pieces += [(f"{number} => {{ ", None), (alternative(mutant["replacement"]), number), (" } ", None)]
        return [*pieces, ("_ => { " + default + " } }", None)]

    def FnValue(self, start, end, found):
        self.open(start, 1 << 40, *self.choice(found, lambda value: f"return {value};", ""), (" ", None))

    def BinaryOperator(self, start, end, found):
        node = self.node(start, end, ("binary_expression", "compound_assignment_expr"))
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        operator = node.child_by_field_name("operator")
        if (operator.start_byte, operator.end_byte) != (start, end):
            raise Unswitchable("the operator is another's")
        size, word = node.end_byte - node.start_byte, self.text(operator)
        if node.type == "compound_assignment_expr":
            self.cuts.append((node.start_byte, right.start_byte))
            self.open(node.start_byte, size, ("{ let __r = (", None))
            place = self.text(left)
            self.close(node.end_byte, size, ("); ", None),
                       *self.choice(found, lambda other: f"{place} {other} __r", f"{place} {word} __r"), (" }", None))
        elif word in ("&&", "||"):
            if len(found) > 1:
                raise Unswitchable("two ways to change a junction")
            number = found[0][0]
            other = (f" != {self.on}({number}))", number)
            self.open(node.start_byte, size, ("((((", None))
            self.close(left.end_byte, 1 << 40, (")", None), other)
            self.open(right.start_byte, 1 << 40, ("((", None))
            self.close(node.end_byte, size, (")", None), other, (")", None), other)
        else:
            by = ("&", "*") if word in COMPARISONS else ("", "")
            self.cuts.append((left.end_byte, right.start_byte))
            self.open(node.start_byte, size, (f"(match ({by[0]}(", None))
            self.open(right.start_byte, 1 << 40, (f"), {by[0]}(", None))
            self.close(node.end_byte, size, (")) { (__l, __r) => ", None),
                       *self.choice(found, lambda other: f"{by[1]}__l {other} {by[1]}__r",
                                    f"{by[1]}__l {word} {by[1]}__r"), (" })", None))

    def UnaryOperator(self, start, end, found):
        node = self.node(start, end, ("unary_expression",))
        if node.start_byte != start:
            raise Unswitchable("the operator is another's")
        size = node.end_byte - node.start_byte
        self.cuts.append((start, end))
        self.open(start, size, ("(match (", None))
        self.close(node.end_byte, size, (") { __v => ", None),
                   *self.choice(found, lambda _: "__v", self.source[start:end].decode() + "__v"), (" })", None))

    def MatchArm(self, start, end, found):
        pattern = next((child for child in self.node(start, end, ("match_arm",)).children if child.type == "match_pattern"), None)
        if pattern is None or len(found) > 1:
            raise Unswitchable("no pattern")
        condition, number = pattern.child_by_field_name("condition"), found[0][0]
        here = (f"!{self.on}({number})", number)
        if condition is None:
            self.close(pattern.end_byte, 1 << 40, (" if ", None), here)
        else:
            size = (1 << 40) + 1
            self.open(condition.start_byte, size, here, (" && (", None))
            self.close(condition.end_byte, size, (")", None))

    def MatchArmGuard(self, start, end, found):
        numbers = {mutant["replacement"]: number for number, mutant in found}
        self.open(start, 1 << 40, ("((", None))
        self.close(end, 1 << 40, (")", None),
                   *([(f" || {self.on}({numbers['true']})", numbers["true"])] if "true" in numbers else []), (")", None),
                   *([(f" && !{self.on}({numbers['false']})", numbers["false"])] if "false" in numbers else []))

    def StructField(self, start, end, found):
        node = self.node(start, start + 1, ("field_initializer", "shorthand_field_initializer"))
        base = next((child for child in node.parent.children if child.type == "base_field_initializer"), None)
        if base is None or len(found) > 1:
            raise Unswitchable("a field without another value")
        number, name = found[0][0], node.child_by_field_name("field") or node.children[-1]
        other = (f"({self.text(base).removeprefix('..')}).{self.text(name)}", number)
        value = node.child_by_field_name("value")
        place = node.start_byte if value is None else value.start_byte
        self.open(place, 1 << 40, ("" if value else self.text(name) + ": ", None), (f"if {self.on}({number}) {{ ", None),
                  other, (" } else { ", None))
        self.close(node.end_byte, 1 << 40, (" }", None))

    def written(self):
        """The new source; notes where each mutant stands in it."""
        out, at, cut_to = bytearray(), 0, 0
        cuts = dict(self.cuts)
        marks = sorted([(place, kind, size, pieces) for place, kind, size, pieces in self.inserts]
                       + [(start, 2, 0, None) for start in cuts], key=lambda mark: mark[:3])
        opened = []
        for place, kind, _, pieces in marks:
            if place > at:
                out += self.source[at:place]
                at = place
            if kind == 2:
                at = max(at, cuts[place])
                continue
            numbers = [number for _, number in pieces if number is not None]
            begin = len(out)
            for text, number in pieces:
                before = len(out)
                out += text.encode()
                if number is not None:
                    self.alternatives.append((before, len(out), number))
            if numbers:
                self.sites.append((begin, len(out), numbers))
        out += self.source[at:]
        return bytes(out)

    def blame(self, start, end):
        """The mutants whose text these bytes of what was written touch; failing that, those next to it."""
        touched = {number for s, e, number in self.alternatives if s < end and start < e}
        if touched:
            return touched, True
        nearest = min(self.sites, key=lambda site: max(site[0] - end, start - site[1], 0), default=None)
        return (set(nearest[2]) if nearest else set()), False
