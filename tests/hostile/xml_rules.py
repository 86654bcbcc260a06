"""Well-formedness of XML 1.0 (fifth edition), made here by rule: documents that break one named
rule each, and documents that keep them all. The W3C's test suite has the same rules; the documents
are our own. Each holds a record where the rule leaves room for one.
"""

R = "<p><sku>1</sku><n>x</n></p>"


def malformed() -> dict[str, bytes]:
    """Documents that break a rule."""
    documents = {
        # 2.1: one root, elements nest
        "no root": "<!-- nothing -->",
        "two roots": f"<c>{R}</c><c/>",
        "text behind the root": f"<c>{R}</c>text",
        "text before the root": f"text<c>{R}</c>",
        "crossing elements": f"<c>{R}<a><b></a></b></c>",
        "element never closed": f"<c>{R}<a></c>",
        "end without a start": f"<c>{R}</a></c>",
        "end in other case": f"<c>{R}<a></A></c>",
        # 2.2: characters
        "control character": f"<c>{R}\x01</c>",
        "form feed": f"<c>{R}\x0c</c>",
        "escape": f"<c>{R}\x1b</c>",
        "noncharacter": f"<c>{R}\ufffe</c>",
        "NUL": f"<c>{R}\x00</c>",
        # 2.3: names and literals
        "name that starts with a digit": f"<c>{R}<1a/></c>",
        "name that starts with a dash": f"<c>{R}<-a/></c>",
        "name with a blank before it": f"<c>{R}< a/></c>",
        "name with a sign": f"<c>{R}<a$b/></c>",
        # 2.4: character data and markup
        "ampersand": f"<c>{R}A & B</c>",
        "less-than": f"<c>{R}1 < 2</c>",
        "end of CDATA in text": f"<c>{R}]]></c>",
        # 2.5: comments
        "two dashes in a comment": f"<c>{R}<!-- a -- b --></c>",
        "three dashes end a comment": f"<c>{R}<!-- a ---></c>",
        "comment never closed": f"<c>{R}<!-- a</c>",
        "comment in a tag": f"<c>{R}<a <!-- b --> /></c>",
        # 2.6: processing instructions
        "instruction never closed": f"<c>{R}<?a b></c>",
        "instruction without a name": f"<c>{R}<? a?></c>",
        "instruction called xml": f'<c>{R}<?xml version="1.0"?></c>',
        # 2.7: CDATA
        "CDATA never closed": f"<c>{R}<![CDATA[a]]</c>",
        "CDATA in lower case": f"<c>{R}<![cdata[a]]></c>",
        "CDATA outside the root": f"<c>{R}</c><![CDATA[a]]>",
        # 2.8: prologue
        "declaration after a blank": f' <?xml version="1.0"?><c>{R}</c>',
        "declaration without a version": f'<?xml encoding="utf-8"?><c>{R}</c>',
        "declaration in upper case": f'<?XML version="1.0"?><c>{R}</c>',
        "two doctypes": f"<!DOCTYPE c><!DOCTYPE c><c>{R}</c>",
        "doctype behind the root": f"<c>{R}</c><!DOCTYPE c>",
        "doctype never closed": f"<!DOCTYPE c [<c>{R}</c>",
        # 3.1: tags and attributes
        "attribute twice": f'<c>{R}<a b="1" b="2"/></c>',
        "attribute without a value": f"<c>{R}<a b/></c>",
        "attribute without quotes": f"<c>{R}<a b=1/></c>",
        "attribute with other quotes": f"<c>{R}<a b=\"1'/></c>",
        "attribute with less-than": f'<c>{R}<a b="<"/></c>',
        "attribute with an ampersand": f'<c>{R}<a b="a & b"/></c>',
        "attributes without a blank between": f'<c>{R}<a b="1"c="2"/></c>',
        "attribute in an end tag": f'<c>{R}<a></a b="1"></c>',
        "blank in an empty tag": f"<c>{R}<a/ ></c>",
        # 4.1: references
        "reference without an end": f"<c>{R}&lt</c>",
        "reference to nothing known": f"<c>{R}&nbsp;</c>",
        "reference to a character that is none": f"<c>{R}&#0;</c>",
        "reference to a surrogate": f"<c>{R}&#xD800;</c>",
        "reference with upper-case X": f"<c>{R}&#X41;</c>",
        "reference in decimal with letters": f"<c>{R}&#4F;</c>",
        # 4.1, 4.4: entities
        "entity that holds itself": f'<!DOCTYPE c [<!ENTITY e "&e;">]><c>{R}&e;</c>',
        "entities in a circle": f'<!DOCTYPE c [<!ENTITY a "&b;"><!ENTITY b "&a;">]><c>{R}&a;</c>',
        "entity with half a tag": f'<!DOCTYPE c [<!ENTITY e "<a>">]><c>{R}&e;</a></c>',
        "parameter entity in a declaration": f'<!DOCTYPE c [<!ENTITY % p "x"><!ENTITY e "%p;">]>'
        f"<c>{R}&e;</c>",
        # Namespaces in XML
        "prefix that is not declared": f"<c>{R}<g:a/></c>",
    }
    return {name: text.encode("utf-8", "surrogatepass") for name, text in documents.items()} | {
        "bytes that are no UTF-8": f'<?xml version="1.0" encoding="UTF-8"?><c>{R}'.encode()
        + b"\xff\xfe\xfd</c>",
        "an encoding that does not exist": b'<?xml version="1.0" encoding="klingon"?><c/>',
        "UTF-16 by declaration only": f'<?xml version="1.0" encoding="utf-16"?><c>{R}</c>'.encode(),
    }


def wellformed() -> dict[str, bytes]:
    """Documents that keep all rules, in the odder ways that there are."""
    documents = {
        "plain": f"<c>{R}</c>",
        "blanks in tags": f'<c >{R}<a  b = "1" /></c >',
        "single quotes": f"<c>{R}<a b='1'/></c>",
        "quotes in quotes": f"<c>{R}<a b='\"'/></c>",
        "greater-than in text": f"<c>{R}1 > 2 ]] ></c>",
        "CDATA with brackets": f"<c>{R}<![CDATA[]]]]><![CDATA[>]]></c>",
        "comments around": f"<!-- a --><c>{R}</c><!-- b -->\n<?d e?>\n",
        "references": f"<c>{R}&#65;&#x41;&#x1F600;&amp;&lt;&gt;&quot;&apos;</c>",
        "letters of all scripts": f"<c>{R}<κωδικός ä='1'/><имя/><名前/></c>",
        "entity of its own": f'<!DOCTYPE c [<!ENTITY e "Loom &#38;amp; Co">]><c>{R}&e;</c>',
        "doctype that names a file": f'<!DOCTYPE c SYSTEM "c.dtd"><c>{R}</c>',
        "declaration": f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><c>{R}</c>',
        "line ends of all kinds": f"<c>\r\n{R}\r\n\r</c>",
    }
    made = {name: text.encode() for name, text in documents.items()}
    return made | {
        "a mark": b"\xef\xbb\xbf" + f"<c>{R}</c>".encode(),
        "UTF-16": f'<?xml version="1.0" encoding="utf-16"?><c>{R}</c>'.encode("utf-16"),
        "Latin 1": f'<?xml version="1.0" encoding="iso-8859-1"?><c>{R}ä</c>'.encode("latin-1"),
    }
