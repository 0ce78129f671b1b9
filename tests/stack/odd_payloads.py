"""A hundred payloads of activities of employee 59019, by what the contract's rules have to say of each.

Each is JSON that Postgres's jsonb can hold. Names say what is odd.
"""

from collections.abc import Mapping

EMPLOYEE_ID = 59019


def athlete(number: str) -> str:
    """Return a payload with this JSON text as the athlete's id."""
    return f'{{"athlete": {{"id": {number}}}}}'


def nested(levels: int, innermost: str = "0") -> str:
    """Return JSON of so many objects around a value."""
    return '{"a":' * levels + innermost + "}" * levels


# The id is the employee's own number.
OF_THE_EMPLOYEE: Mapping[str, str] = {
    "number": athlete("59019"),
    "float": athlete("59019.0"),
    "float with thirty zeros": athlete("59019." + "0" * 30),
    "float with nine hundred zeros": athlete("59019." + "0" * 900),
    "double that is rounded to it": athlete("59019.00000000000000001"),
    "exponent": athlete("5.9019E4"),
    "positive exponent": athlete("59.019e+3"),
    "negative exponent": athlete("5901900e-2"),
    "exponent of 0": athlete("59019e0"),
    "text": athlete('"59019"'),
    "text of a float": athlete('"59019.0"'),
    "text of a float with a hundred zeros": athlete('"59019.' + "0" * 100 + '"'),
    "text with a point at its end": athlete('"59019."'),
    "text with an exponent": athlete('"5.9019E4"'),
    "text with a long exponent": athlete('"5.9019e+0004"'),
    "text with a plus": athlete('"+59019"'),
    "text with leading zeros": athlete('"' + "0" * 60 + '59019"'),
    "text in spaces": athlete('"  59019 "'),
    "text with escapes": athlete('"\\u0035901\\u0039"'),
    "name with escapes": '{"\\u0061thlete": {"id": 59019}}',
    "twice, the second counts": '{"athlete": {"id": 1}, "athlete": {"id": 59019}}',
    "id twice, the second counts": '{"athlete": {"id": 1, "id": 59019}}',
    "among many": '{"id": 7, "athlete": {"resource_state": 1, "id": 59019, "z": [{"id": 8}]}, "map": {"id": "x"}}',
    "after a thousand levels": f'{{"a": {nested(999)}, "athlete": {{"id": 59019}}}}',
    "after a number of a thousand digits": f'{{"a": -{"1" * 1000}, "athlete": {{"id": 59019}}}}',
    "after a name of 50,000 characters": f'{{"{"n" * 50_000}": 1, "athlete": {{"id": 59019}}}}',
    "after a text of many digits and brackets": f'{{"a": "{"1" * 2000}{"[" * 2000}", "athlete": {{"id": 59019}}}}',
}

# No id, or none that either engine can read: nothing says that the activity is another person's.
WITHOUT_ID: Mapping[str, str | None] = {
    "no payload": None,
    "null": "null",
    "empty object": "{}",
    "empty array": "[]",
    "text payload": '"59018"',
    "empty text payload": '""',
    "blank text payload": '" "',
    "text payload of an object": '"{\\"athlete\\": {\\"id\\": 59018}}"',
    "number payload": "59018",
    "float payload": "1e5",
    "boolean payload": "true",
    "array of the object": "[" + athlete("59018") + "]",
    "null athlete": '{"athlete": null}',
    "athlete is a number": '{"athlete": 59018}',
    "athlete is a text": '{"athlete": "59018"}',
    "athlete is a boolean": '{"athlete": false}',
    "athlete is an empty object": '{"athlete": {}}',
    "athlete is an empty array": '{"athlete": []}',
    "athlete is an array of objects": '{"athlete": [{"id": 59018}]}',
    "id is null": athlete("null"),
    "id has another case": '{"athlete": {"ID": 59018}, "Athlete": {"id": 59018}}',
    "id of a nested athlete": '{"activity": {"athlete": {"id": 59018}}}',
    "id with a dot in a name": '{"athlete.id": 59018}',
    "id of a name in brackets": '{"$.athlete.id": 59018, "athlete": {"[id]": 59018}}',
    # Spark's reader gives up on these, wherever the excess is.
    "id of 1,001 digits": athlete("1" * 1001),
    "id of 1,001 digits with a point": athlete("1." + "1" * 1000),
    "id with a fraction of 1,001 digits": athlete("0." + "1" * 1001),
    "id of an exponent of 2,000": athlete("1e2000"),
    "before a number of 1,001 digits": f'{{"athlete": {{"id": 59018}}, "zzzzzzzz": -{"1" * 1001}}}',
    "before an array with a tiny number": f'{{"athlete": {{"id": 59018}}, "zzzzzzzz": [{{"z": 0.{"0" * 1000}1}}]}}',
    "before 1,001 levels": f'{{"athlete": {{"id": 59018}}, "zzzzzzzz": {nested(1000)}}}',
    "after 1,001 levels": f'{{"a": {nested(1000)}, "athlete": {{"id": 59018}}}}',
    "after 2,000 levels": f'{{"a": {nested(1999)}, "athlete": {{"id": 59018}}}}',
    "before 1,001 levels of arrays": f'{{"athlete": {{"id": 59018}}, "zzzzzzzz": {"[" * 1000}{"]" * 1000}}}',
    "id of 1,001 levels": athlete("[" * 999 + "]" * 999),
    "before a name of 50,001 characters": f'{{"athlete": {{"id": 59018}}, "{"n" * 50_001}": 1}}',
    "beside a name of 50,001 characters": f'{{"athlete": {{"id": 59018, "{"n" * 50_001}": 1}}}}',
    "after an array with such a name": f'{{"a": [{{"{"n" * 50_001}": 1}}], "athlete": {{"id": 59018}}}}',
}

# The id is something else than the employee's number.
OF_ANOTHER: Mapping[str, str] = {
    "number": athlete("59018"),
    "negative number": athlete("-59019"),
    "zero": athlete("0"),
    "negative zero": athlete("-0.0"),
    "float": athlete("59018.0"),
    "fraction": athlete("59019.5"),
    "small fraction": athlete("59019.000001"),
    "double beside it": athlete("59019.00000000001"),
    "1e5": athlete("1e5"),
    "exponent": athlete("5.9018E4"),
    "negative exponent": athlete("59019e-1"),
    "tiny": athlete("1e-400"),
    "as a double tiny": athlete("1e-320"),
    "large": athlete("4294967296"),
    "beyond a bigint": athlete("18446744073709610635"),
    "beyond a decimal": athlete("1" + "0" * 40),
    "beyond a double": athlete("1e400"),
    "beyond a double, with a fraction": athlete("1" + "0" * 400 + ".5"),
    "negative beyond a double, with a fraction": athlete("-1" + "0" * 400 + ".5"),
    "of a thousand digits": athlete("1" * 1000),
    "of a thousand digits with a point": athlete("1." + "1" * 999),
    "with a fraction of a thousand digits": athlete("0." + "1" * 1000),
    "true": athlete("true"),
    "false": athlete("false"),
    "object": athlete('{"id": 59019}'),
    "empty object": athlete("{}"),
    "array": athlete("[59019]"),
    "empty array": athlete("[]"),
    "nested deeply": athlete(nested(900)),
    "empty text": athlete('""'),
    "blank text": athlete('" "'),
    "text": athlete('"59018"'),
    "text of a fraction": athlete('"59019.5"'),
    "text of no number": athlete('"athlète"'),
    "text with a line break": athlete('"59019\\n"'),
    "text with a carriage return": athlete('"59019\\r\\n"'),
    "text with a line separator": athlete('"59019\\u2028"'),
    "text with a next line": athlete('"59019\\u0085"'),
    "text with a tab": athlete('"\\t59019"'),
    "text with a no-break space": athlete('"\\u00a059019"'),
    "text with a space inside": athlete('"59 019"'),
    "text with a comma": athlete('"59,019"'),
    "text with an underscore": athlete('"59_019"'),
    "text with two points": athlete('"59019.0.0"'),
    "text with an apostrophe": athlete('"59019\'"'),
    "text with a backslash": athlete('"59019\\\\"'),
    "text with markup": athlete('"${59019}"'),
    "text of a null": athlete('"null"'),
    "text of a NaN": athlete('"NaN"'),
    "text of an infinity": athlete('"-Infinity"'),
    "text of a double in Java": athlete('"59019d"'),
    "text of a float in Java": athlete('"59019f"'),
    "text of a hexadecimal": athlete('"0xE68B"'),
    "text of a hexadecimal float": athlete('"0x1.cd16p15"'),
    "text of an octal": athlete('"0o163213"'),
    "text of an exponent of 400": athlete('"1e400"'),
    "text of an exponent of many digits": athlete('"1e99999999999999999999"'),
    "text of a negative exponent of many digits": athlete('"1e-99999999999999999999"'),
    "text of an exponent alone": athlete('"e4"'),
    "text of a sign alone": athlete('"-"'),
    "text of a point alone": athlete('"."'),
    "text of many digits": athlete('"' + "9" * 5_000 + '"'),
    "text of many zeros": athlete('"' + "0" * 5_000 + '"'),
    "text of many zeros, and no number": athlete('"' + "0" * 5_000 + 'x"'),
    "text of Arabic digits": athlete('"٥٩٠١٩"'),
    "text of full-width digits": athlete('"５９０１９"'),
    "text of mathematical digits": athlete('"𝟓𝟗𝟎𝟏𝟗"'),
    "twice, the second counts": '{"athlete": {"id": 59019}, "athlete": {"id": 1}}',
}
ODD_PAYLOADS: Mapping[str, str | None] = {
    f"{kind}: {name}": text
    for kind, payloads in (("own", OF_THE_EMPLOYEE), ("without", WITHOUT_ID), ("other", OF_ANOTHER))
    for name, text in payloads.items()
}
# Texts that are no JSON: jsonb holds none of them, and Bronze one only where somebody else writes to the topic.
NOT_JSON = (
    *("", " ", "{", "}", "[", "NULL", "None", "NaN", "Infinity", "undefined", "athlete", "\x00", "\ufeff{}"),
    *(athlete(text) for text in ("NaN", "-Infinity", "059019", "+59019", "0xE68B", "59019,", "'59019'", "undefined")),
    *('{"athlete": {"id": 59018}', '{"athlete": {"id": 59018}} {}', '{"athlete": {"id": 59018}}]', "[" * 100_000),
    *('{"athlete": {"id": "\\ud800"}}', '{"athlete": {"id": "\x00"}}', '{"athlete": {"id": "\\x35"}}'),
)
