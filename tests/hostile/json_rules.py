"""The cases of RFC 8259, made here by rule: texts that any JSON parser must accept, must refuse,
or may take either way. Each refusal breaks one named rule of the grammar.

The names follow Nicolas Seriot's JSONTestSuite (y, n, i); the texts are our own.
"""

DEEP = 100_000


def accepted() -> dict[str, bytes]:
    """Texts that the grammar allows, values of an object in a list where no structure is tried."""
    values = {
        "empty list": "[]",
        "list of lists": "[[[]],[]]",
        "empty object": "{}",
        "empty name": '{"":0}',
        "blanks everywhere": " [ 1 ,\t2\r\n] ",
        "true false null": "[true,false,null]",
        "zero": "0",
        "minus zero": "-0",
        "fraction": "0.10",
        "exponents": "[1e2,1E2,1e+2,1E-2,0e1,123.456e78,-1.5e-8]",
        "long integer": "123456789012345678901234567890",
        "nearest to zero": "-0." + "0" * 77 + "1",
        "escapes": r'"\" \\ \/ \b \f \n \r \t"',
        "unicode escapes": r'"\u0041\u00e9\u20AC"',
        "pair of surrogates": r'"\uD834\uDD1E"',
        "escaped NUL": r'"\u0000"',
        "escaped control": r'"\u0012"',
        "escaped noncharacter": r'"\uFFFF \u200B \u2028"',
        "escaped backslash before u": r'"\\u0000 \\uD800"',
        "unescaped delete": '"\x7f"',
        "unescaped separators": '"\u2028\u2029"',
        "unescaped beyond the plane": '"\U0010ffff 𝄞"',
        "brackets in text": '"[{]}"',
        "comment in text": '"a/*b*/c//d"',
        "name with escapes": r'{"foo\u0000bar":42}',
        "names twice": '{"a":"b","a":"c"}',
        "name and value twice": '{"a":"b","a":"b"}',
    }
    wrapped = {name: f'[{{"sku":"1","v":{text}}}]'.encode() for name, text in values.items()}
    return wrapped | {
        "an object": b'{"sku":"1","name":"x"}',
        "a list": b'[{"sku":"1"}]',
        "line break at the end": b'[{"sku":"1"}]\n',
        "blanks around": b' \t\r\n{"sku":"1"} \t\r\n',
        "a list further in": b'{"a":{"b":[{"sku":"1"},{"sku":"2"}]}}',
    }


def lonely() -> dict[str, bytes]:
    """Texts that the grammar allows and that hold no record."""
    return {
        "a text": b'"asd"',
        "a number": b"42",
        "a negative number": b"-0.1",
        "true": b"true",
        "null": b"null",
        "an empty list": b"[]",
        "an empty object": b"{}",
        "a list of lists": b"[[], []]",
    }


def refused() -> dict[str, bytes]:
    """Texts that break the grammar."""
    values = [
        # numbers
        "+1", ".5", "1.", "-", "01", "-01", "1.e1", "1e", "1e+", "1E", "1eE2", "0x1F", "1_000",
        "-.1", "--1", "++1", "1 000", "1,5.0.0", "NaN", "-NaN", "Infinity", "-Infinity", "+Inf",
        "nan", "1a", "0e", "0.3e", "2.e-3", "-2.", "1e1.5", "- 1", "１",
        # words
        "tru", "nul", "fals", "True", "NULL", "nothing", "undefined", "truth",
        # texts
        "'single'", r'"\x41"', r'"\u00"', r'"\u00zz"', r'"\a"', r'"\0"', '"\t"', '"\n"',
        '"\x1f"', '"open', r'"\"', r'"\u"', r'"\uD834\u"', "unquoted", '"a" "b"', "“a”", "\\u0061",
        # lists
        "[1,]", "[,1]", "[1,,2]", "[", "[1", "[1 2]", "[1:2]", "[;1]", "[1}", '["a":1]', "[,]",
        "[\x0b]", "[\x0c]", "[*]", "[\u00a01]", "[\u2060]",
        # objects
        '{"a"}', '{"a":}', '{"a" 1}', '{"a"::1}', '{"a":1,}', '{,"a":1}', '{"a":1,,"b":2}',
        "{a:1}", "{1:1}", "{'a':1}", "{null:1}", '{"a":1]', '{"a":1 "b":2}', '{"a","b"}', "{",
        '{"a":1', '{"a":"b"/**/}', '{"a":1}}', '{[]:1}', '{"a":1;}', '{"a":1#c\n}',
    ]  # fmt: skip
    wrapped = {text: b'[{"v":' + text.encode() + b"}]" for text in values}
    record = b'{"sku":"1"}'
    return wrapped | {
        "end of a list that is none": b'{"sku":"1"}]',
        "end of an object that is none": record + b"}",
        "two ends": b"[" + record + b"]]",
        "two lists": b"[" + record + b"][" + record + b"]",
        "a text behind": record + b' "x"',
        "a word behind": b"[" + record + b"]x",
        "a comma behind": b"[" + record + b"],",
        "a comment before": b"/* c */[" + record + b"]",
        "a comment behind": record + b"// c",
        "a NUL behind": record + b"\0",
        "open for ever": b"[" * DEEP,
        "objects open for ever": b'[{"":' * DEEP,
        "bad UTF-8 in a text": b'[{"v":"caf\xe9 \xc3\xa9 \xc3\xa9"}]',
        "half a character at the end": b'[{"v":"\xc3\xa9\xc3\xa9\xc3',
        "a backslash between": b'[{"v":1\\}]',
        "a mark within": b'[{"v":\xef\xbb\xbf1}]',
    }


def either() -> dict[str, bytes]:
    """Texts on which the standard leaves a parser free: read in whole or refused, never wrong."""
    values = [
        "1e400", "-1e99999", "123123e100000", "0.4e00669999999999999999999999999969999999006",
        "1e99999999999999999999", "-" + "9" * 400, "9" * 5_000, "1" + "0" * 60_000,
        r'"\uD800"', r'"\uDADA x"', r'"\uDFAA"', r'"\uD888\u1234"', r'"\uD800\n"',
        r'"\uDd1e\uD834"', r'"\uD800\uD800\uDC00"',
    ]  # fmt: skip
    wrapped = {text[:40]: f'[{{"sku":"1","v":{text}}}]'.encode() for text in values}
    record = '[{"sku":"1","name":"é"}]'
    return wrapped | {
        "UTF-8 with a mark": b"\xef\xbb\xbf" + record.encode(),
        "UTF-16 with a mark": record.encode("utf-16"),
        "UTF-16 without": record.encode("utf-16-le"),
        "500 lists": b'[{"v":' + b"[" * 500 + b"]" * 500 + b"}]",
    }
