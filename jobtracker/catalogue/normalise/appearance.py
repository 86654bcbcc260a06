"""Colours and finishes in one plain English word each, beside what the supplier wrote.

"Weiß", "biała" and "λευκό" are white. What is no known word has no normal form.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Stems: a word may go on behind one of four letters or more, and German compounds end with one.
_COLOURS = {
    "white": """white weiss blanc blanch bianc branc λευκ ασπρ bial bile bila bily vit vitt hvid
        hvit valkoi feher alb beyaz белы бела бело бели біли біла бяла бяло бял wit bijel biel
        白""",
    "black": """black schwarz noir negr nero nera preto preta μαυρ czarn cern svart sort musta
        fekete siyah черн чорн zwart crn cierny 黑 黒""",
    "grey": """grey gray grau gris grig cinz cinza γκρι σταχτ szar sed seda sedy gra gratt
        harmaa szurk gri серы сера серо сіри сива сиво сиви сив grijs siva sivo siv
        sed 灰 グレー""",
    "blue": """blue blau bleu azul blu μπλε γαλαζ niebiesk granatow modr bla blatt sinin kek
        albastr mavi синий синяя синее голуб синій блакит синьо синя син blauw
        plav 蓝 青 ブルー""",
    "red": """red rot rote roter rotes rouge rojo roja ross vermelh κοκκιν czerwon cerven rod
        rott punai piros voros rosu kirmizi красн червон черве rood crven 红 赤""",
    "green": """green grun gruen vert verte verde πρασιν zielon zelen gron gront vihrea zold
        yesil зелен groen 绿 緑""",
    "yellow": """yellow gelb jaune amarill giall amarel κιτριν zolt zlut gul gult keltai sarga
        galben sari желт жовт жълт geel zut zlty 黄""",
    "orange": """orange naranja arancion laranja πορτοκαλ pomaranczow oranzov orans narancs
        portocali turuncu оранж помаранч oranje 橙 オレンジ""",
    "brown": """brown braun brun marron marron castanh marrone καφε braz hned brunt ruskea barna
        maro kahverengi коричн кафяв bruin smed hnedy 棕 茶 ブラウン""",
    "beige": """beige beis bez bezow bezov μπεζ beesi bej беж бежев ecru sand ivory elfenbein creme
        cream crema krem 米色 ベージュ""",
    "pink": """pink rosa rose ροζ roz rozow ruzov rosy vaaleanpun rozsaszin pembe розов рожев
        roze ruzic 粉 ピンク""",
    "purple": """purple violet lila morado viola roxo μωβ fioletow fialov purpur violett
        violetti lila mor фиолет фіолет лилав paars ljubicast 紫 パープル""",
    "gold": """gold golden doré oro dorad dorat dourad χρυσ zlot zlat guld gull kulta arany
        auriu altin золот goud 金""",
    "silver": """silver silber argent plata platead argento prata ασημ srebrn stribr solv hopea
        ezust argintiu gumus серебр сріб сребр zilver srebr 银 銀""",
    "anthracite": "anthracite anthrazit antracit antracita ανθρακι antracyt антрацит antraciet",
    "transparent": """transparent clear klar durchsichtig trasparente διαφαν przezroczyst
        pruhledn прозрач прозор seffaf prozirn""",
    "multicoloured": """multicolour multicolor mehrfarbig bunt multicolore πολυχρωμ wielokolorow
        vicebarevn flerfarg разноцвет veelkleurig 多色""",
}
_FINISHES = {
    "matt": "matt matte mat matta mate matow matn opac ματ матов mattapin mattapinta 哑光 マット",
    "gloss": """gloss glossy glanz glanzend brillant brillante brilho brilhant lucid lucido
        γυαλιστερ połysk polysk leskl blank blankt kiiltav fenyes lucios parlak глянц глянец
        блеск sjajn hoogglans glanzend 亮光 光沢""",
    "polished": """polished poliert poli polie levigat pulid pulido polid polerowan lesten
        polerad полирован kiillotet polirozott polisat cilali gepolijst polirano 抛光 研磨""",
    "satin": """satin satiniert satinat satinad satine σατινε satynow saten satinova сатин
        zijdeglans silk seidenmatt semi-matt halbmatt""",
    "honed": "honed geschliffen adouci apomazad lappat lappato semipolished anpoliert",
    "brushed": """brushed geburstet brosse spazzolat cepillad escovad szczotkowan kartacovan
        borstad браширован geborsteld""",
    "oiled": """oiled oil geolt oelt huile oliat aceitad oleado olejowan olejovan oljad маслян
        geolied""",
    "lacquered": """lacquered lackiert laque laccat lacad lacquer lakierowan lakovan lackad
        лакиров gelakt varnished""",
    "structured": """structured textured strukturiert structure strutturat estructurad texturad
        strukturaln strukturovan strukturerad структур gestructureerd relief reliefe""",
    "natural": """natural naturel naturale natur naturell φυσικ naturaln prirodn натурал естеств
        natuurlijk""",
    "smooth": "smooth glatt lisse liscio liscia lis liso gladk hladk slat гладк glad",
    "rough": "rough rau rauh rugueux ruvid rugos aspero szorstk drsn ojamn шероховат ruw",
    "anti-slip": """anti-slip antislip antislittamento rutschfest rutschhemmend antiderapant
        antideslizante antyposlizgow protiskluz halkfri противосколь grip""",
}

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_PLAIN = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "ß": "ss"})
_WHOLE = 4  # letters from which a stem may be a part of a word
_IDEOGRAPHS = "\u2e80"  # from here on words have no blanks between them
_MOST = 3
_LONGEST = 200


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return plain.translate(_PLAIN).replace("ς", "σ")


def _stems(table: dict[str, str]) -> dict[str, str]:
    return {_folded(stem): normal for normal, stems in table.items() for stem in stems.split()}


_COLOUR_STEMS = _stems(_COLOURS)
_FINISH_STEMS = _stems(_FINISHES)


@lru_cache(maxsize=2048)
def normal_colour(text: str) -> str | None:
    """The colours named in `text`, in their order: "Weiß/Grau" is "white, grey"."""
    found = _found(text, _COLOUR_STEMS)
    return ", ".join(found[:_MOST]) or None


@lru_cache(maxsize=2048)
def normal_finish(text: str) -> str | None:
    """The first finish named in `text`: "Oberfläche geölt" is "oiled"."""
    return next(iter(_found(text, _FINISH_STEMS)), None)


def _found(text: str, stems: dict[str, str]) -> list[str]:
    words = _WORD.findall(_folded(text[:_LONGEST]))
    return list(dict.fromkeys(filter(None, (_normal(word, stems) for word in words))))


def _normal(word: str, stems: dict[str, str]) -> str | None:
    """What a word means, whole or by the longest stem that starts or ends it."""
    if word in stems:
        return stems[word]
    parts = [
        stem
        for stem in stems
        if (len(stem) >= _WHOLE and (word.startswith(stem) or word.endswith(stem)))
        or (stem[0] >= _IDEOGRAPHS and stem in word)
    ]
    return stems[max(parts, key=len)] if parts else None
