# SPDX-License-Identifier: Apache-2.0
"""JSON of which nothing is lost: members in order, numbers as they are written; and random values.

  object  Members: a list of [key, value]      number  Number: its text
  array, string, true, false, null             as Python has them"""

import json


class Members(list):
    """The members of an object."""

    def find(self, *path):
        value = self
        for key in path:
            value = next((v for k, v in value if k == key), None) if isinstance(value, Members) else None
        return value

    # Sets a member: in its place, or at the end. Objects on the way are made.
    def set(self, *path_and_value):
        *path, key, value = path_and_value
        here = self
        for part in path:
            if here.find(part) is None:
                here.set(part, Members())
            here = here.find(part)
        for member in here:
            if member[0] == key:
                member[1] = value
                return
        here.append([key, value])

    def remove_member(self, key):
        self[:] = [member for member in self if member[0] != key]

    def keys(self):
        return [key for key, _ in self]


class Number:
    def __init__(self, text):
        self.text = text

    def __eq__(self, other):
        return isinstance(other, Number) and self.text == other.text

    def __repr__(self):
        return self.text


def parse(text):
    return json.loads(text, parse_int=Number, parse_float=Number,
                      object_pairs_hook=lambda pairs: Members([list(pair) for pair in pairs]))


# With `random`, white space and escapes vary.
def dump(value, random=None):
    space = (lambda: random.choice(["", "", " ", "\n\t", "\r\n"])) if random else (lambda: "")
    if isinstance(value, Members):
        return "{" + ",".join(f"{space()}{dump(k, random)}{space()}:{dump(v, random)}" for k, v in value) + space() + "}"
    if isinstance(value, list):
        return "[" + ",".join(space() + dump(v, random) for v in value) + space() + "]"
    if isinstance(value, Number):
        return value.text
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=bool(random and random.random() < 0.5))
    return json.dumps(value)


# The pointer (RFC 6901) and both values where the two first differ; None if they are the same.
def difference(a, b, pointer=""):
    if type(a) is not type(b):
        return pointer, a, b
    if isinstance(a, Members):
        if a.keys() != b.keys():
            return pointer, a.keys(), b.keys()
        pairs = [(k, v, w) for (k, v), (_, w) in zip(a, b)]
    elif isinstance(a, list):
        if len(a) != len(b):
            return pointer, a, b
        pairs = [(i, v, w) for i, (v, w) in enumerate(zip(a, b))]
    else:
        return None if a == b else (pointer, a, b)
    return next((found for k, v, w in pairs if (found := difference(v, w, f"{pointer}/{k}"))), None)


NUMBERS = ["0", "-0", "1", "1.0", "1.50", "1e3", "1E+3", "-1e-7", "0.1", "-0.0", "9007199254740993", "18446744073709551615",
           "9223372036854775807", "-9223372036854775808", "123456789012345678901234567890", "1e308", "1e-400", "3.141592653589793238462643"]
TEXTS = ["", "a", "stave", "gr\u00fc\u00df", "\u6f22\u5b57", "\U0001f9f1\U0001f40b", "\u2028\u2029", "\x00\x01\x1f\x7f", "\"\\/\b\f\n\r\t", "e\u0301", "\ufeffmark",
         "\ufffd\uffff", "\u0627\u0644", "a~1b/c%d", "null", "long " * 4000]


def random_text(random):
    return random.choice(TEXTS) + random.choice(["", str(random.randrange(1000))])


def random_value(random, depth):
    kind = random.randrange(9)
    if depth > 0 and kind < 2:
        return [random_value(random, depth - 1) for _ in range(random.randrange(4))]
    if depth > 0 and kind < 5:
        return random_members(random, depth - 1)
    if kind < 7:
        return Number(random.choice(NUMBERS))
    return random.choice([random_text(random), random_text(random), None, True, False])


def random_members(random, depth):
    keys = {random_text(random)[:300] for _ in range(random.randrange(4))}
    return Members([[key, random_value(random, depth)] for key in sorted(keys)])


def nested(random, depth):
    value = random_value(random, 0)
    for _ in range(depth):
        value = [value] if random.random() < 0.5 else Members([[random_text(random)[:50], value]])
    return value


# Adds members that nobody knows to objects all over `value`, at any position. `closed` are the pointers of
# objects whose members all mean something.
def sprinkle(random, value, closed=(), pointer=""):
    if isinstance(value, Members):
        for key, member in list(value):
            sprinkle(random, member, closed, f"{pointer}/{key}")
        if pointer not in closed and random.random() < 0.35:
            key = "x " + random_text(random)[:300]
            if key not in value.keys():
                value.insert(random.randrange(len(value) + 1), [key, random_value(random, 4)])
    elif isinstance(value, list):
        for i, element in enumerate(value):
            sprinkle(random, element, closed, f"{pointer}/{i}")
    if pointer == "" and random.random() < 0.3:
        value.insert(random.randrange(len(value) + 1), ["x deep", nested(random, random.randrange(20, 61))])
