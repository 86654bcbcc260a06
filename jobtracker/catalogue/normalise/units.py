"""Units of sale in one short form each, from words of several languages and UN/ECE Rec 20 codes."""

from __future__ import annotations

from functools import lru_cache

_UNITS = {
    "pc": """pc pcs pce piece pieces pz pza pezzo pezzi stk stck stück stueck st stuk styck ud
        uds und unidad unidades unit units unité unités pièce pièces un unidade szt sztuka ks
        kus kom шт штука штук τεμ τεμάχιο τεμάχια ea each nr c62 h87 nar item stuks adet buc db
        darab kappale kpl. st. xpc 个 件 枚 個 本 只""",
    "m2": """m2 m² sqm qm mq mtk кв.м кв.м. м2 м² τ.μ τ.μ. τμ quadratmeter kvm mkw m.kw m.kw.
        sq.m sq.m. metro2 m^2 平方米 平米""",
    "m": """m mtr lm lfm mb lfdm lfd.m laufmeter laufendemeter meter metre metres metro metri
        mètre metr м п.м пог.м 米 μέτρο""",
    "m3": "m3 m³ mtq cbm м3 м³ κ.μ m^3",
    "ft2": "ft2 ft² sqft ftk sf sq.ft sq.ft. ft^2",
    "ft": "ft fot foot feet lft",
    "box": """box boxes bx karton kartons ktn kt carton cartons ct caja cajas cj scatola scatole
        caixa krabice karton. kart коробка кор κιβώτιο κιβ kartong doos xbx xct doboz 箱 盒""",
    "pack": """pack packs pk pkt package packung pkg paquete paquet pacco pacote opak opakowanie
        balení bal упак упаковка пакет πακέτο συσκευασία förp pak pac xpk nmp csomag pachet 包""",
    "set": "set sets kit satz juego jeu conjunto komplet kpl sada σετ комплект",
    "roll": """roll rolls ro xro nrl rol rolle rollen rollo rollos rouleau rotolo rolo rolka
        role ρολό рулон rulle""",
    "pallet": """pallet pallets pf px palette paletten palet palé pallett paleta παλέτα поддон
        pal xpx""",
    "pair": "pair pairs pr paar par paire paio para pár ζεύγος пара npr",
    "kg": "kg kgm kgs kilo kilogram kilogramm kilogramo кг κιλό κιλά",
    "g": "g grm gram gramm gr г γρ",
    "t": "t tne ton tonne тонна τόνος",
    "l": "l ltr lt liter litre litro litr л λίτρο",
    "ml": "ml mlt мл",
    "mm": "mm mmt мм",
    "cm": "cm cmt см",
    "bag": "bag bags bg xbg sack säcke saco sac sacco worek pytel мешок σακί säck",
    "slab": "slab slabs platte tafel tabla lastra dalle chapa płyta deska плита πλάκα skiva",
    "dozen": "dozen dozens dzn dz dutzend douzaine docena dozzina tucat tuzin дюжина",
    "100 pc": "cen hundred 100st 100stk",
    "1000 pc": "mil t3 thousand tsd 1000st 1000stk",
    "in": "in inh inch inches zoll pouce pollici cal",
    "lb": "lb lbs lbr pound pounds",
    "oz": "oz onz ounce ounces",
    "gal": "gal gll gallon gallons",
    "dm3": "dm3 dm³ dmq",
    "km": "km kmt",
    "day": "day days tag tage jour día dag",
    "year": "year years ann jahr jahre an año",
    "hour": "hour hours hur h std stunde hora heure ora",
}
_BY_WORD = {word: unit for unit, words in _UNITS.items() for word in words.split()}


@lru_cache(maxsize=2048)
def known_unit(text: str) -> str | None:
    """The short form ("m2", "pc", "box") of a unit written in any known way, else None."""
    word = text.strip().lower()
    return _BY_WORD.get(word) or _BY_WORD.get(word.strip(" .()").replace(" ", ""))


def unit_of(text: str) -> str:
    """The short form where it is known, else the text as written."""
    return known_unit(text) or text
