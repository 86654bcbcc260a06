"""What catalogues call their columns, and how a title is read.

Titles are compared without case, accents and punctuation. A title also says what holds for its
whole column: "Preis €/m²" is a price in EUR for a square metre, "Thickness (cm)" a length in cm.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from jobtracker.catalogue.normalise import currencies, known_unit, word_set

_TITLES: dict[str, str] = {
    "sku": """sku|code|item code|product code|article code|art code|colour code|order code|item no
        |item number|article|article no|article number|art|art no|art nr|part no|part number
        |model no|model number|model|reference|ref|ref no|cat no|catalogue no|catalog number|mpn
        |artikel|artikelnummer|artikelnr|artikel nr|bestellnummer|bestellnr|bestell nr|best nr
        |produktnummer|materialnummer|sachnummer|produktcode|référence|réf|code article
        |code produit|n° article|codice|cod|codice articolo|codice prodotto|articolo|cod art
        |riferimento|código|código de producto|código artículo|referencia|artículo|código produto
        |referência|código artigo|artigo|κωδικός|κωδ|κωδικός προϊόντος|κωδικός είδους|kod
        |kod produktu
        |kod towaru|indeks|symbol|nr katalogowy|numer katalogowy|nr art|kód|kód produktu|kód zboží
        |katalogové číslo|objednací číslo|obj číslo|artikelkod|produktkod|artnr|beställningsnummer
        |артикул|арт|код|код товара|номер артикула|каталожный номер""",
    "ean": """ean|ean code|ean 13|ean13|gtin|barcode|bar code|upc|strichcode|code barre|code barres
        |codice a barre|código de barras|γραμμωτός κώδικας|γραμμοκώδικας|kod kreskowy|kod ean
        |čárový kód|streckkod|штрихкод|штрих код""",
    "name": """name|product|product name|item|item name|description|product description|designation
        |title|article description|article name|bezeichnung|artikelbezeichnung|produktbezeichnung
        |produkt|produktname|beschreibung|artikelbeschreibung|nom|désignation|libellé|produit
        |nom du produit|nome|prodotto|descrizione|descrizione articolo|denominazione|nombre
        |producto|descripción|descripción del producto|denominación|produto|descrição|designação
        |όνομα|ονομασία|προϊόν|περιγραφή|περιγραφή προϊόντος|είδος|nazwa|nazwa produktu|produkt|opis
        |nazwa towaru|název|název produktu|výrobek|popis|namn|benämning|produktnamn|beskrivning
        |наименование|название|товар|наименование товара|описание|продукт""",
    "brand": """brand|manufacturer|make|marke|hersteller|marque|fabricant|marca|produttore
        |fabricante|μάρκα|κατασκευαστής|marka|producent|značka|výrobce|varumärke|tillverkare|бренд
        |производитель|марка""",
    "category": """category|product group|type|product type|group|family|kategorie|warengruppe|typ
        |produktgruppe|catégorie|famille|categoria|famiglia|tipologia|tipo|categoría|familia
        |família|κατηγορία|τύπος|οικογένεια|kategoria|grupa|rodzaj|kategori|kategorie|druh|skupina
        |категория|тип|группа""",
    "attribute.collection": """collection|series|range|line|kollektion|serie|gamme|série|collezione
        |linea|colección|coleção|συλλογή|σειρά|kolekcja|seria|kolekce|řada|коллекция|серия""",
    "price": """price|unit price|list price|net price|price per unit|retail price|rrp|msrp|preis
        |listenpreis|stückpreis|einzelpreis|uvp|vk|verkaufspreis|nettopreis|bruttopreis|prix
        |prix unitaire|prix public|tarif|prix net|prezzo|prezzo unitario|listino|prezzo di listino
        |precio|precio unitario|pvp|tarifa|preço|preço unitário|τιμή|τιμή μονάδας|λιανική|cena
        |cena jednostkowa|cena netto|cena brutto|cena katalogowa|jednotková cena|pris|listpris
        |styckpris|à pris|цена|цена за единицу|розничная цена|стоимость""",
    "currency": """currency|währung|devise|monnaie|valuta|moneda|moeda|νόμισμα|waluta|měna
        |валюта""",
    "unit": """unit|uom|unit of measure|sales unit|einheit|me|mengeneinheit|unité|u m|um|unità
        |unità di misura|unidad|unidade|ud|μονάδα|μον|μ μ|μονάδα μέτρησης|jednostka|jm|j m|mj
        |jednotka|měrná jednotka|enhet|единица|ед изм|ед""",
    "size": """size|sizes|dimensions|dimension|format|measurements|measures|nominal size|größe
        |grösse|abmessung|abmessungen|maße|maß|masse|taille|formats|formato|formati|dimensioni|misura
        |misure|dimensione|tamaño|medidas|medida|dimensiones|tamanho|dimensões|διαστάσεις|διάσταση
        |μέγεθος|wymiary|wymiar|rozmiar|rozměr|rozměry|velikost|formát|storlek|mått|dimensioner
        |размер|размеры|габариты|формат""",
    "width": """width|breite|largeur|larghezza|ancho|anchura|largura|πλάτος|szerokość|šířka|bredd
        |ширина""",
    "height": """height|length|höhe|länge|hauteur|longueur|altezza|lunghezza|alto|altura|largo
        |longitud|comprimento|ύψος|μήκος|wysokość|długość|výška|délka|höjd|längd|высота|длина""",
    "thickness": """thickness|depth|stärke|dicke|tiefe|épaisseur|profondeur|spessore|profondità
        |espesor|grosor|espessura|πάχος|βάθος|grubość|głębokość|tloušťka|hloubka|tjocklek|djup
        |толщина|глубина""",
    "finish": """finish|surface|surface finish|oberfläche|ausführung|finition|surface finition
        |finitura|superficie|acabado|acabamento|superfície|φινίρισμα|επιφάνεια|wykończenie
        |powierzchnia|povrch|povrchová úprava|yta|ytbehandling|поверхность|отделка|покрытие""",
    "colour": """color|colour|color name|colour name|shade|farbe|farbton|couleur|coloris|teinte
        |colore|tinta|cor|χρώμα|απόχρωση|kolor|barwa|barva|odstín|färg|kulör|цвет|оттенок""",
    "stock": """stock|in stock|availability|bestand|lagerbestand|verfügbarkeit|disponibilité
        |giacenza|disponibilità|existencias|disponibilidad|disponibilidade|απόθεμα|διαθεσιμότητα
        |stan magazynowy|dostępność|sklad|skladem|dostupnost|lager|lagersaldo|остаток|наличие""",
    "weight": """weight|net weight|gross weight|gewicht|poids|peso|peso netto|peso lordo|βάρος|waga
        |masa|hmotnost|váha|vikt|вес|масса""",
    "attribute.material": """material|composition|werkstoff|matière|matériau|materiale|composizione
        |composición|composição|υλικό|σύνθεση|materiał|skład|materiál|složení|материал|состав""",
    "attribute.pieces_per_box": """packing|pack size|box qty|pcs|pieces|stück|pz|vpe|ve
        |verpackungseinheit|conditionnement|confezione|imballo|embalaje|embalagem|συσκευασία
        |opakowanie|balení|förpackning|упаковка""",
    "attribute.minimum_order": """moq|minimum order|min order|min qty|mindestmenge
        |mindestbestellmenge|minimo ordine|pedido mínimo|ελάχιστη ποσότητα|minimální odběr""",
    "attribute.capacity": """capacity|volume|inhalt|fassungsvermögen|contenance|capacité|capacità
        |capacidad|capacidade|χωρητικότητα|pojemność|objem|volym|объем|объём""",
    "attribute.wear_layer": """wear layer|nutzschicht|couche d'usure|strato di usura
        |capa de uso|warstwa użytkowa|nášlapná vrstva|slitskikt|защитный слой""",
    "attribute.slip_rating": """slip|slip rating|anti slip|rutschhemmung|r wert|glissance
        |antiscivolo|antideslizante|antypoślizgowość|protiskluznost|halkskydd""",
}

# Columns that say nothing of the product.
_IGNORED = """#|no|nr|n|pos|position|line|row|page|seite|pagina|página|strona|strana|sida|страница
    |image|photo|picture|drawing|bild|abbildung|foto|photo|immagine|imagen|imagem|εικόνα|zdjęcie
    |obrázek|изображение|фото|notes|note|remarks|bemerkung|remarque|l p|lp|№|п п|№ п п"""

# A head with one of these words is of something else: a test report, a bill, a certificate.
_FOREIGN = """norm|norms|norme|norma|normy|prüfnorm|prüfung|standard|standards|test|tests
    |test method|method|requirement|requirements|anforderung|result|results|résultat|résultats
    |risultato|resultado|property|properties|characteristic|characteristics|eigenschaft
    |eigenschaften|caratteristiche|caractéristiques|características|load|loads|last|charge|carico
    |certificate|certificates|zertifikat|certificat|certificato|certificado|total|totals|subtotal
    |amount|summe|gesamt|gesamtpreis|montant|totale|importo|importe|razem|celkem|suma|итого|сумма
    |норма|испытание|badanie|zkouška|provning|δοκιμή|πρότυπο|σύνολο"""

_PACKS = {
    "box": """box|boxes|bx|carton|cartons|ctn|karton|ktn|boîte|boite|scatola|scat|sc|caja|cj|caixa
        |cx|κιβώτιο|κιβ|pudełko|kart|krabice|krabici|kartong|коробка|кор|pack|package|packung|paket
        |paquet|pak|pacco|paquete|pacote|πακέτο|opakowanie|op|opak|balení|bal|förp|упаковка|упак
        |уп|conf|confezione|pkt""",
    "pallet": """pallet|pal|plt|palette|paletta|palé|palet|paleta|παλέτα|pall|поддон|паллета
        |palettes|pallets""",
}
_CONTENTS = {
    "m2": "m2|sqm|sq m|qm|mq|м2|τ μ|τμ|m kw|m²",
    "pieces": """pc|pcs|pieces|piece|stk|stück|stueck|st|pz|pezzi|pièces|pces|pce|uds|ud|piezas|pzs
        |pzas|un|unid|peças|pçs|τεμ|τεμάχια|szt|sztuk|ks|kusů|шт|штук|tiles|units""",
    "weight": "kg|kgs|кг|κιλά",
    "boxes": """box|boxes|ctn|cartons|kartons|karton|scatole|scat|cajas|caixas|κιβώτια|kartonów
        |krabic|kartonger|коробок""",
}
_PER = re.compile(
    r"\s*(?:/|\bper\b|\bpro\b|\bpar\b|\bpor\b|\bje\b|\bna\b|\bv\b|\bανά\b|\bза\b|\bв\b)\s*"
)
_INITIALS = re.compile(r"(?<=\b\w)\.(?=\w\b)")  # "P.V.P." is the word "PVP"
_LENGTHS = {"mm": "mm", "cm": "cm", "m": "m", "in": "in", "inch": "in", "inches": "in", '"': "in",
            "мм": "mm", "см": "cm", "μμ": "mm"}  # fmt: skip
_SCALES = {
    "size": _LENGTHS, "width": _LENGTHS, "height": _LENGTHS, "thickness": _LENGTHS,
    "weight": {"kg": "kg", "g": "g", "кг": "kg", "gr": "g", "lbs": "lb", "lb": "lb", "kgs": "kg"},
    "attribute.capacity": {"ml": "ml", "l": "l", "cl": "cl", "мл": "ml", "л": "l"},
}  # fmt: skip
_SIDES = {"w": "width", "b": "width", "h": "height", "l": "height", "t": "thickness",
          "d": "thickness", "s": "thickness"}  # fmt: skip
# Words that say how a price is taxed or for whom it is; they leave it a price.
_BESIDE_PRICE = word_set(
    """excl|incl|exkl|inkl|ex|inc|vat|mwst|ust|iva|tva|ht|ttc|net|netto|brutto|gross|list|retail
    |public|recommended|without|with|dph|bez|s|moms|ндс|с|без|φπα|με|χωρις|hors|taxe|taxes|tax|zzgl
    |2023|2024|2025|2026|2027|2028|each|new|neu|of|in|the|product"""
)


@dataclass(frozen=True)
class Title:
    """A title that was read: `scale` is the unit of its column's numbers (a length, a weight),
    `currency` and `unit` are those of its prices."""

    target: str
    scale: str = ""
    currency: str = ""
    unit: str = ""


def fold(text: str) -> str:
    """`text` for comparison: small letters, no accents, single spaces for punctuation."""
    plain = _INITIALS.sub("", unicodedata.normalize("NFKD", text.lower().replace("²", "2")))
    plain = "".join(mark for mark in plain if not unicodedata.combining(mark))
    return " ".join(re.sub(r"[^\w#№\"/]+|_", " ", plain).split())


def _folded(words: str) -> frozenset[str]:
    return frozenset(fold(word) for word in words.split("|"))


_TARGET_OF = {word: target for target, words in _TITLES.items() for word in _folded(words)}
_IGNORED_WORDS = _folded(_IGNORED)
_FOREIGN_WORDS = _folded(_FOREIGN)
_PACK_OF = {word: pack for pack, words in _PACKS.items() for word in _folded(words)}
_CONTENT_OF = {word: unit for unit, words in _CONTENTS.items() for word in _folded(words)}


@lru_cache(maxsize=4096)
def read_title(text: str) -> Title | None:
    """What a column with this title holds; None where no title of ours is in it."""
    if not text.strip() or len(text) > 60:
        return None
    folded = fold(text)
    if target := _TARGET_OF.get(folded):
        return Title(target)
    if packed := _packed(folded):
        return Title(packed)
    words, currency, unit = _without_marks(text)
    for target, scale in _readings(words):
        if target == "price":
            return Title(target, currency=currency, unit=unit)
        if currency:
            return None
        return Title(target, scale=scale or _scale(target, unit))
    # "EUR/m²" or "€" alone is how many price lists title their prices.
    return Title("price", currency=currency, unit=unit) if currency and not words else None


def _packed(folded: str) -> str:
    """ "m2/box", "Stk pro Karton", "Box/Pal." as `attribute.m2_per_box` and its like."""
    parts = _PER.split(folded)
    if len(parts) != 2:
        parts = folded.split(" ")
    if len(parts) != 2:
        return ""
    content, pack = _CONTENT_OF.get(parts[0].strip()), _PACK_OF.get(parts[1].strip())
    return f"attribute.{content}_per_{pack}" if content and pack else ""


def _without_marks(text: str) -> tuple[list[str], str, str]:
    """The folded words of a title without its currency and unit, then these two."""
    currency = unit = ""
    words: list[str] = []
    spaced = re.sub(r"([€£₽₴$()\[\]/,;:*])", r" \1 ", text)
    for token in spaced.split():
        found = currencies(token) if re.search(r"[^\W\d]|[€£₽₴]", token) else ()
        if len(found) == 1 and (token.isupper() or len(token) > 2 or not token.isalpha()):
            currency = currency or found[0]
        elif words and (known_unit(token) or token.lower().strip(".") in _LENGTHS):
            unit = unit or token.lower().strip(".")
        elif currency and known_unit(token):
            unit = unit or token
        elif (word := fold(token).strip("/")) and word not in ("per", "pro", "par", "por", "ανα"):
            words.append(word)
    return words, currency, known_unit(unit) or unit


def _readings(words: list[str]) -> list[tuple[str, str]]:
    """(target, scale) of a title's words, at most one."""
    joined = " ".join(words)
    if target := _TARGET_OF.get(joined):
        return [(target, "")]
    kept = [word for word in words if word not in _BESIDE_PRICE]
    if (target := _TARGET_OF.get(" ".join(kept))) == "price":
        return [("price", "")]
    halves = [_TARGET_OF.get(half.strip()) for half in joined.split("/")]
    if len(halves) > 1 and halves[0] and len(set(halves)) == 1:  # "Code / Référence"
        return [(halves[0], "")]
    parts = re.split(r"\s*[x×/]\s*| ", joined)
    if 2 <= len(parts) <= 3 and all(part in _SIDES for part in parts):  # "L x W x H"
        return [("size", "")]
    sides = [_TARGET_OF.get(part) for part in re.split(r"\s+(?:x|und|and|et|e|y|i|a)\s+", joined)]
    if len(sides) > 1 and set(sides) <= {"width", "height", "thickness"}:
        return [("size", "")]
    # Two languages beside each other: "Name Bezeichnung".
    each = {_TARGET_OF.get(word) for word in words}
    return [(str(each.pop()), "")] if len(words) > 1 and len(each) == 1 and None not in each else []


def _scale(target: str, unit: str) -> str:
    return _SCALES.get(target, {}).get(unit, "")


def side_of(text: str) -> Title | None:
    """ "W (mm)" under a head that says "Size"."""
    words, _, unit = _without_marks(text)
    target = _SIDES.get(words[0]) if len(words) == 1 else None
    return Title(target, scale=_scale(target, unit)) if target else None


def is_foreign(text: str) -> bool:
    """Whether a title belongs to a table of something else than products."""
    folded = fold(text)
    return folded in _FOREIGN_WORDS or any(
        word in _FOREIGN_WORDS and word not in ("standard", "charge", "last", "total")
        for word in folded.split(" ")
    )


def attribute_of(text: str) -> str | None:
    """The attribute that a column with an unknown but short title becomes, else None."""
    folded = fold(text).replace("/", " ").strip()
    words = folded.split()
    if not 1 <= len(words) <= 4 or len(folded) > 30 or folded in _IGNORED_WORDS:
        return None
    if any(character.isdigit() for character in folded) or len(folded) < 2:
        return None
    return "attribute." + "_".join(words)
