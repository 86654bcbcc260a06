"""What suppliers call their fields, in the languages we meet. Data only; `match.py` reads it.

Phrases are compared without case, accents, spaces and punctuation, so "Código de producto" also
finds `codigo_producto`; words of `FILLERS` beside a phrase change nothing.
"""

from jobtracker.catalogue.normalise import word_set

NAMES: dict[str, dict[str, str]] = {
    "key": {
        "en": "id|item id|product id|uid|guid|uuid|unique id|offer id|external id|external key|"
        "record id|key|product key|entity id|supplier aid|supplier pid",
        "de": "produkt id|artikel id",
        "fr": "id produit|identifiant|id article",
        "it": "id prodotto|id articolo|identificativo",
        "es": "id producto|id articulo|identificador",
        "pt": "id produto|id artigo",
        "el": "id προϊόντος|αναγνωριστικό",
        "pl": "id produktu|id towaru|identyfikator",
        "cs": "id produktu|id zboží|id položky",
        "sv": "produkt id|artikel id",
        "ru": "ид|id товара|идентификатор",
    },
    "group": {
        "en": "handle|item group id|group id|product group id|parent sku|parent id|family id|"
        "variant group|model group|style number",
        "de": "vaterartikel|variantengruppe|modellgruppe",
        "fr": "groupe de variantes|reference parent",
        "it": "gruppo varianti|codice padre",
        "es": "grupo de variantes|sku padre",
        "cs": "itemgroup id",
    },
    "variant": {
        "en": "variant|variant name|variant title|option 1 value|option 2 value|option 3 value|"
        "option1 value|option2 value|option3 value",
        "de": "variante|ausführungsvariante",
        "es": "variante|variación",
        "el": "παραλλαγή",
        "pl": "wariant",
        "cs": "varianta",
        "sv": "variant",
        "ru": "вариант|модификация",
    },
    "sku": {
        "en": "sku|variant sku|mpn|code|product code|item code|item number|item no|article number|"
        "article code|article no|art no|art nr|art number|part number|part no|partnumber|"
        "model number|model no|stock code|stock keeping unit|reference|product reference|ref|"
        "vendor code|supplier code|supplier sku|manufacturer part number|manufacturer aid|"
        "catalog number|catalogue number|product number|product no|style code|manufacturer code",
        "de": "nummer|nr|artikel|artikelnummer|artikel nr|artikelnr|art.nr|artnr|artikelcode|"
        "bestellnummer|bestell nr|produktnummer|produktcode|herstellernummer|"
        "herstellerartikelnummer|warennummer|materialnummer|teilenummer|lieferantenartikelnummer",
        "fr": "référence|réf|référence produit|code produit|code article|référence article|"
        "référence fabricant|numéro article",
        "it": "codice|codice prodotto|codice articolo|cod articolo|riferimento|codice fornitore|"
        "codice produttore|articolo",
        "es": "código|código producto|código de producto|referencia|código artículo|"
        "código de artículo|referencia fabricante|cod producto",
        "pt": "código|código produto|código do produto|referência|código artigo|"
        "referência do produto",
        "el": "κωδικός|κωδικός προϊόντος|κωδ|κωδικός είδους|κωδικός κατασκευαστή|αριθμός είδους",
        "pl": "kod|kod produktu|symbol|indeks|numer katalogowy|kod producenta|nr katalogowy|"
        "kod towaru",
        "cs": "kód|kód produktu|kód zboží|katalogové číslo|číslo produktu|objednací číslo|"
        "productno|product no|kód výrobku",
        "sv": "artikelnummer|artikelnr|art nr|produktkod|artikelkod|beställningsnummer",
        "ru": "артикул|код|код товара|код производителя|артикул товара|номенклатурный номер",
    },
    "ean": {
        "en": "ean|ean13|ean code|ean number|gtin|gtin13|gtin14|gtin12|upc|upc code|barcode|"
        "bar code|variant barcode|isbn|jan|international pid|eans",
        "de": "ean nummer|strichcode|ean nr|eancode|gtin nummer",
        "fr": "code barre|code barres|code ean|codebarre",
        "it": "codice a barre|codice ean|barcode",
        "es": "código de barras|código ean|codigo barras",
        "pt": "código de barras|código ean",
        "el": "barcode|γραμμωτός κώδικας|κωδικός ean|γραμμοκώδικας",
        "pl": "kod kreskowy|kod ean",
        "cs": "čárový kód|kód ean",
        "sv": "streckkod|ean kod",
        "ru": "штрихкод|штрих код|шк",
    },
    "name": {
        "en": "name|title|product name|product title|item name|item title|article name|"
        "display name|product|productname|description short|short name|label|designation|"
        "model name|heading|item description short|product label",
        "de": "bezeichnung|artikelbezeichnung|produktname|produktbezeichnung|artikelname|titel|"
        "kurzbezeichnung|benennung|artikel|kurztext|artikelkurztext|bez|"
        "art bez|artikelbez|bezeichnung 1",
        "fr": "nom|nom produit|nom du produit|titre|désignation|libellé|intitulé",
        "it": "nome|nome prodotto|titolo|denominazione|descrizione breve|nome articolo",
        "es": "nombre|nombre producto|nombre del producto|título|denominación|nombre artículo",
        "pt": "nome|nome do produto|título|designação|nome produto",
        "el": "όνομα|ονομασία|τίτλος|όνομα προϊόντος|τίτλος προϊόντος|ονομασία προϊόντος",
        "pl": "nazwa|nazwa produktu|tytuł|nazwa towaru",
        "cs": "název|název produktu|název zboží|jméno|název výrobku|productname",
        "sv": "namn|produktnamn|benämning|titel|artikelnamn",
        "ru": "название|наименование|имя|название товара|наименование товара|заголовок",
    },
    "brand": {
        "en": "brand|manufacturer|vendor|make|maker|brand name|manufacturer name|producer",
        "de": "marke|hersteller|herstellername|markenname|fabrikat",
        "fr": "marque|fabricant|nom marque",
        "it": "marca|produttore|marchio|fabbricante",
        "es": "marca|fabricante",
        "pt": "marca|fabricante",
        "el": "μάρκα|κατασκευαστής|εταιρεία|φίρμα",
        "pl": "marka|producent",
        "cs": "značka|výrobce",
        "sv": "märke|varumärke|tillverkare|fabrikat",
        "ru": "бренд|производитель|марка|торговая марка|изготовитель",
    },
    "category": {
        "en": "category|categories|category name|category path|categorytext|product type|"
        "product category|google product category|cat|department|category tree|type|family|"
        "product family",
        "de": "kategorie|warengruppe|kategorien|produktgruppe|kategoriepfad|artikelgruppe|"
        "produkttyp|produktkategorie",
        "fr": "catégorie|catégories|rayon|famille|type produit",
        "it": "categoria|categorie|tipologia|famiglia|tipo|tipo prodotto",
        "es": "categoría|categorías|familia|tipo|tipo de producto|tipo producto",
        "pt": "categoria|categorias|família|tipo|tipo de produto",
        "el": "κατηγορία|κατηγορίες|τύπος|τύπος προϊόντος",
        "pl": "kategoria|kategorie|grupa towarowa|kategoria produktu|rodzaj",
        "cs": "kategorie|skupina|kategorie zboží|druh",
        "sv": "kategori|kategorier|varugrupp|produktgrupp",
        "ru": "категория|категории|раздел|группа товаров",
    },
    "price": {
        "en": "price|unit price|price with vat|price amount|net price|price net|price gross|"
        "gross price|sales price|selling price|regular price|variant price|retail price|"
        "price value|price tax included|price tax excluded|price vat|offer price|"
        "current price|base price amount|item price|product price|price per m2|price m2",
        "de": "preis|verkaufspreis|vk|vk preis|einzelpreis|nettopreis|bruttopreis|preis netto|"
        "preis brutto|stückpreis|vkpreis|grundpreis m2|artikelpreis",
        "fr": "prix|prix unitaire|prix de vente|prix ttc|prix ht|tarif|prix net|prix public",
        "it": "prezzo|prezzo unitario|prezzo di vendita|prezzo vendita|prezzo netto|"
        "prezzo ivato|prezzo al pubblico",
        "es": "precio|precio unitario|precio venta|precio de venta|pvp|precio neto|precio final",
        "pt": "preço|preço unitário|preço de venda|preço venda|pvp",
        "el": "τιμή|τιμή πώλησης|τιμή με φπα|λιανική τιμή|τιμή μονάδας|τιμή χωρίς φπα|λιανική",
        "pl": "cena|cena brutto|cena netto|cena sprzedaży|cena jednostkowa|cena detaliczna",
        "cs": "cena|cena s dph|cena bez dph|prodejní cena|cena za kus|jednotková cena",
        "sv": "pris|försäljningspris|pris inkl moms|pris exkl moms|styckpris|utpris",
        "ru": "цена|цена продажи|розничная цена|цена с ндс|цена розничная|стоимость|"
        "цена за единицу|отпускная цена",
    },
    "currency": {
        "en": "currency|currency code|curr|price currency|currency id|iso currency|cur",
        "de": "währung|währungscode|waehrung|währungskennzeichen",
        "fr": "devise|monnaie|code devise",
        "it": "valuta|divisa",
        "es": "moneda|divisa",
        "pt": "moeda|divisa",
        "el": "νόμισμα",
        "pl": "waluta",
        "cs": "měna",
        "sv": "valuta",
        "ru": "валюта",
    },
    "unit": {
        "en": "unit|uom|unit of measure|unit of measurement|order unit|sales unit|selling unit|"
        "price unit|measure unit|base unit|qty unit",
        "de": "einheit|mengeneinheit|me|verkaufseinheit|preiseinheit|bestelleinheit|maßeinheit|"
        "verpackungseinheit",
        "fr": "unité|unité de vente|unité de mesure",
        "it": "unità|unità di misura|um|unità di vendita",
        "es": "unidad|unidad de medida|unidad de venta",
        "pt": "unidade|unidade de medida|unidade de venda",
        "el": "μονάδα|μονάδα μέτρησης|μ.μ",
        "pl": "jednostka|jednostka miary|jm|j.m",
        "cs": "jednotka|měrná jednotka|mj",
        "sv": "enhet|måttenhet|försäljningsenhet",
        "ru": "единица|единица измерения|ед изм|ед",
    },
    "size": {
        "en": "size|dimensions|dimension|format|measurements|nominal size|product dimensions",
        "de": "größe|abmessung|abmessungen|maße|maß|dimension|grösse",
        "fr": "taille|dimensions|format",
        "it": "dimensioni|formato|misura|misure|taglia|dimensione",
        "es": "dimensiones|tamaño|medidas|formato|medida|talla",
        "pt": "dimensões|tamanho|medidas|formato",
        "el": "διαστάσεις|μέγεθος|διάσταση",
        "pl": "wymiary|rozmiar|wymiar|format",
        "cs": "rozměry|rozměr|velikost|formát",
        "sv": "storlek|mått|dimensioner|format",
        "ru": "размер|размеры|габариты|формат",
    },
    "width": {
        "en": "width|width mm",
        "de": "breite",
        "fr": "largeur",
        "it": "larghezza",
        "es": "ancho|anchura",
        "pt": "largura",
        "el": "πλάτος",
        "pl": "szerokość",
        "cs": "šířka",
        "sv": "bredd",
        "ru": "ширина",
    },
    "height": {
        "en": "height|length",
        "de": "höhe|länge",
        "fr": "hauteur|longueur",
        "it": "altezza|lunghezza",
        "es": "alto|altura|largo|longitud",
        "pt": "altura|comprimento",
        "el": "ύψος|μήκος",
        "pl": "wysokość|długość",
        "cs": "výška|délka",
        "sv": "höjd|längd",
        "ru": "высота|длина",
    },
    "thickness": {
        "en": "thickness|thickness mm|depth",
        "de": "stärke|dicke|materialstärke|tiefe",
        "fr": "épaisseur",
        "it": "spessore",
        "es": "espesor|grosor",
        "pt": "espessura",
        "el": "πάχος",
        "pl": "grubość",
        "cs": "tloušťka",
        "sv": "tjocklek",
        "ru": "толщина",
    },
    "finish": {
        "en": "finish|surface|surface finish|finishing|glaze",
        "de": "oberfläche|ausführung|oberflächenausführung|finish",
        "fr": "finition|surface",
        "it": "finitura|superficie",
        "es": "acabado|superficie",
        "pt": "acabamento|superfície",
        "el": "φινίρισμα|επιφάνεια",
        "pl": "wykończenie|powierzchnia",
        "cs": "povrch|povrchová úprava|úprava",
        "sv": "ytbehandling|yta|finish",
        "ru": "поверхность|отделка|покрытие",
    },
    "colour": {
        "en": "color|colour|color name|colour name|shade",
        "de": "farbe|farbton|farbbezeichnung",
        "fr": "couleur|coloris|teinte",
        "it": "colore|tinta",
        "es": "color|colores",
        "pt": "cor|cores",
        "el": "χρώμα|απόχρωση",
        "pl": "kolor|barwa",
        "cs": "barva|odstín",
        "sv": "färg|kulör",
        "ru": "цвет|оттенок",
    },
    "stock": {
        "en": "stock|quantity|qty|stock qty|stock quantity|inventory|quantity in stock|in stock|"
        "instock|variant inventory qty|inventory quantity|on hand|availability|stock level|"
        "stock status|available quantity",
        "de": "bestand|lagerbestand|lager|menge|verfügbarkeit|lagermenge|verfügbar",
        "fr": "stock|quantité|disponibilité|quantité en stock",
        "it": "giacenza|quantità|disponibilità|scorta|magazzino",
        "es": "stock|existencias|cantidad|disponibilidad|inventario",
        "pt": "stock|estoque|quantidade|disponibilidade",
        "el": "απόθεμα|ποσότητα|διαθεσιμότητα|στοκ",
        "pl": "stan|stan magazynowy|ilość|dostępność|magazyn",
        "cs": "sklad|skladem|množství|dostupnost|stav skladu",
        "sv": "lager|lagersaldo|antal|saldo|lagerstatus",
        "ru": "остаток|количество|наличие|в наличии|склад|остатки",
    },
    "description": {
        "en": "description|body html|body|long description|description long|product description|"
        "details|full description|text|summary|content",
        "de": "beschreibung|langtext|langbeschreibung|produktbeschreibung|artikelbeschreibung|"
        "beschreibungstext|text",
        "fr": "description|descriptif|description longue|description produit",
        "it": "descrizione|descrizione lunga|descrizione estesa|descrizione prodotto",
        "es": "descripción|descripción larga|descripción del producto|detalle",
        "pt": "descrição|descrição longa|descrição do produto",
        "el": "περιγραφή|περιγραφή προϊόντος|αναλυτική περιγραφή",
        "pl": "opis|opis produktu|opis towaru|pełny opis",
        "cs": "popis|popis produktu|popis zboží|dlouhý popis",
        "sv": "beskrivning|produktbeskrivning|lång beskrivning",
        "ru": "описание|описание товара|полное описание",
    },
    "images": {
        "en": "image|images|image url|image link|image src|picture|pictures|photo|photos|"
        "picture url|imgurl|img|img url|additional image link|additional imageurl|main image|"
        "mime source|image 1|thumbnail|imageurl|imgurl alternative|variant image|image urls",
        "de": "bild|bilder|bild url|bildurl|produktbild|bildlink|foto|abbildung",
        "fr": "image|images|url image|photo|lien image",
        "it": "immagine|immagini|foto|url immagine|immagine url",
        "es": "imagen|imágenes|imagen url|foto|fotos|url imagen",
        "pt": "imagem|imagens|foto|url da imagem|imagem url",
        "el": "εικόνα|εικόνες|φωτογραφία|φωτογραφίες",
        "pl": "zdjęcie|zdjęcia|obrazek|obraz|zdjęcie url",
        "cs": "obrázek|obrázky|fotografie|foto|url obrázku",
        "sv": "bild|bilder|bild url|bildlänk|foto",
        "ru": "изображение|картинка|фото|изображения|фотография|ссылка на изображение",
    },
    "url": {
        "en": "url|link|product url|product link|deeplink|deep link|permalink|page url|web",
        "de": "produktlink|produkt url|produktseite|artikellink",
        "fr": "lien|url produit|lien produit",
        "it": "collegamento|url prodotto|link prodotto",
        "es": "enlace|url producto|enlace producto",
        "pt": "ligação|url produto|link do produto",
        "el": "σύνδεσμος|υπερσύνδεσμος",
        "pl": "adres|link do produktu|adres url",
        "cs": "odkaz|adresa|url produktu",
        "sv": "länk|produktlänk",
        "ru": "ссылка|адрес страницы|ссылка на товар",
    },
    "weight": {
        "en": "weight|variant grams|gross weight|net weight|shipping weight|product weight|grams|"
        "weight kg",
        "de": "gewicht|nettogewicht|bruttogewicht",
        "fr": "poids|poids net|poids brut",
        "it": "peso|peso netto|peso lordo",
        "es": "peso|peso neto|peso bruto",
        "pt": "peso|peso líquido",
        "el": "βάρος",
        "pl": "waga|masa",
        "cs": "hmotnost|váha",
        "sv": "vikt",
        "ru": "вес|масса",
    },
    "attribute.collection": {
        "en": "collection|series|range",
        "de": "kollektion|serie",
        "fr": "collection|gamme|série",
        "it": "collezione|serie|linea",
        "es": "colección|serie",
        "pt": "coleção|coleccão|série",
        "el": "συλλογή|σειρά",
        "pl": "kolekcja|seria",
        "cs": "kolekce|série|řada",
        "sv": "kollektion|serie",
        "ru": "коллекция|серия",
    },
    "attribute.material": {
        "en": "material|composition|fabric|body material",
        "de": "material|werkstoff|zusammensetzung",
        "fr": "matière|matériau|composition",
        "it": "materiale|composizione",
        "es": "material|composición",
        "pt": "material|composição",
        "el": "υλικό|σύνθεση",
        "pl": "materiał|skład",
        "cs": "materiál|složení",
        "sv": "material",
        "ru": "материал|состав",
    },
    "attribute.designer": {
        "en": "designer",
        "fr": "designer|créateur",
        "it": "designer|progettista",
        "es": "diseñador",
        "pt": "designer",
        "ru": "дизайнер",
        "pl": "projektant",
    },
    "attribute.warranty": {
        "en": "warranty|guarantee",
        "de": "garantie",
        "fr": "garantie",
        "it": "garanzia",
        "es": "garantía",
        "pt": "garantia",
        "el": "εγγύηση",
        "pl": "gwarancja",
        "cs": "záruka",
        "sv": "garanti",
        "ru": "гарантия",
    },
    "attribute.origin": {
        "en": "country of origin|origin|made in",
        "de": "herkunftsland|ursprungsland",
        "fr": "pays d'origine",
        "it": "paese di origine",
        "es": "país de origen",
        "pt": "país de origem",
        "el": "χώρα προέλευσης",
        "pl": "kraj pochodzenia",
        "cs": "země původu",
        "sv": "ursprungsland",
        "ru": "страна происхождения|страна производства",
    },
}

TAX = "a tax"
OTHER_PRICES = ("a cost, not a price", "an old or list price", "a reduced price for a time")
DECOYS: dict[str, str] = {
    "a cost, not a price": "cost|cost per item|purchase|einkauf|einkaufspreis|ek|achat|acquisto|"
    "compra|coste|costo|custo|κόστος|αγοράς|χονδρική|zakup|zakupu|nákup|nákupní|inköp|inköpspris|"
    "закупка|закупочная|себестоимость|wholesale|dealer|händler|hurt|hurtowa",
    "an old or list price": "compare at|compare|old|was|previous|original|former|crossed|strike|"
    "rrp|msrp|uvp|srp|list|statt|alt|alter|alte|streichpreis|listenpreis|ancien|barré|conseillé|"
    "listino|vecchio|precedente|antes|anterior|anteriores|tachado|recomendado|antigo|παλιά|"
    "παλαιά|αρχική|προτεινόμενη|stara|poprzednia|katalogowa|sugerowana|původní|běžná|doporučená|"
    "rek|tidigare|ordinarie|старая|прежняя|зачеркнутая|oldprice|before|ppv",
    "a reduced price for a time": "sale price|special|special price|promo|promotion|offer price|"
    "discounted|aktionspreis|sonderpreis|promotionnel|remise|soldé|scontato|offerta|oferta|"
    "rebajado|promoção|προσφοράς|έκπτωση|έκπτωσης|promocyjna|akční|kampanj|rea|акция|скидка|"
    "discount|rabatt|rabat|sleva|sconto|descuento|desconto|salesprice reduced",
    "about delivery": "shipping|delivery|freight|postage|versand|versandkosten|lieferkosten|"
    "livraison|expédition|port|spedizione|consegna|trasporto|envío|gastos|entrega|frete|portes|"
    "μεταφορικά|αποστολή|αποστολής|dostawa|dostawy|wysyłka|doprava|dopravy|dodání|frakt|leverans|"
    "доставка|доставки",
    "a quantity to order": "order qty|order quantity|minimum|min|"
    "moq|mindestmenge|mindestbestellmenge|minimale|minimo|"
    "mínimo|mínima|minima|ελάχιστη|minimalna|minimální|minsta|минимальный|минимальная|минимум|"
    "max|maximum|lower bound|upper bound|tier|staffel|staffelpreis|quantity min|bulk",
    TAX: "vat rate|tax rate|tax|taxes|mwst|steuer|steuersatz|tva|iva|φπα|podatek|stawka|dph|"
    "moms|ндс|vat|taxable",
    "about the shop, not the product": "seo|meta|alt text|google|gift card|fulfillment|tracker|"
    "policy",
    "a loyalty or deposit amount": "points|deposit|pfand|bonus|loyalty|ecotax|eco tax|rrsp|"
    "commission|provision|margin|marge",
}
"""Words beside or instead of a field's own that make it something else, by reason."""

# Beside a price these say how it is taxed, and leave it a price.
TAX_WORDS = "with without incl inc inkl excl exkl including excluding vat tax net gross netto "
TAX_WORDS += "brutto mwst iva ivato ttc ht tva φπα με χωρίς dph bez s moms ндс с без incl. amount"

# Words that change nothing beside a phrase.
FILLERS = (
    "product|products|item|items|article|variant|artikel|produkt|produit|prodotto|producto|produto|"
    "προϊόντος|προϊόν|produktu|zboží|товара|the|of|de|del|do|du|da|des|der|la|le|el|new|current|"
    "field|value|val|text|attr|attribute|data|info|en|us|uk|gb|fr|it|es|pt|pl|cz|cs|ru|sv|gr|main|"
    "full|url|src|link|name|eur|usd|gbp|pln|czk|sek|rub|chf|col|column|str|txt|supplier|lieferant|"
    "1|2|3|4|5|6|7|8|9|g"
)

# Words that make another thing of a phrase: "category id" is no category.
TURNING = (
    "id|ids|type|typ|date|datum|fecha|data|time|flag|position|pos|sort|order|count|nr|number|"
    "factor|quantity|qty|basis|group|grupo|gruppe|groupe|gruppo|label|note|code|from|to|until|valid|"
    "alt|caption|title|tags|status|unit|currency|policy|tracker|tax|name|url|link|weight|"
    "description|image|color|colour|size|format|html"
)

# Last parts of a path that mean little without the part before them.
AMOUNTS = word_set(
    "value|amount|valor|wert|valeur|valore|betrag|importe|montant|importo|kwota|částka|belopp|"
    "сумма|значение|ποσό|bedrag|beløb|summa|összeg|suma|tutar"
)
TITLES = word_set(
    "name|title|label|nombre|nome|nom|nazwa|název|имя|наименование|название|titel|titre|título|"
    "titolo|bezeichnung|όνομα|naam|navn|namn|nimi|név|nume|назва|име|naziv"
)
GENERIC = AMOUNTS | TITLES | word_set("id|code|text|url|src|description|type|content|number")

# Names of a group of fields that stand for one of them: "pricing/amount" is a price.
GROUPS = {
    "pricing": "price", "prices": "price", "preise": "price", "precios": "price",
    "prezzi": "price", "tarifs": "price", "цены": "price", "ceny": "price", "priser": "price",
}  # fmt: skip

FINISHES = word_set(
    """matt|matte|mat|matta|mate|glossy|gloss|glänzend|brillant|brillante|brilho|lucido|polished|
    poliert|poli|levigato|pulido|polido|lappato|semi-polished|satin|satinato|satinado|satiné|
    natural|naturale|naturel|natur|rough|structured|strukturiert|smooth|liscio|honed|brushed|
    gebürstet|oiled|geölt|lacquered|lackiert|silk|velvet|grip|anti-slip|textured|ματ|γυαλιστερό|
    mat|półmat|połysk|polerowany|matný|lesklý|leštěný|blank|polerad|матовый|глянцевый|полированный|
    сатинированный|oil finish|bush-hammered|sandblasted"""
)
