"""Readable names for the shouted, cut and abbreviated words of the Complete Journey.

The source writes `FRZN ICE`, cuts a product type at 30 characters and pads its sizes. What a buyer sees in
the storefront is made here, from pure text rules: nothing is looked up, and an unknown word is only re-cased.
"""

import re

TYPE_LIMIT = 30  # the source cuts a product type at this many characters

DEPARTMENTS = {
    "AUTOMOTIVE": "Automotive",
    "CHEF SHOPPE": "Chef shop",
    "CNTRL/STORE SUP": "Store supplies",
    "COSMETICS": "Cosmetics",
    "COUPON": "Coupons",
    "DELI": "Deli",
    "DRUG GM": "Drugstore & general merchandise",
    "ELECT &PLUMBING": "Electrical & plumbing",
    "FLORAL": "Flowers",
    "FROZEN GROCERY": "Frozen grocery",
    "FUEL": "Fuel",
    "GARDEN CENTER": "Garden center",
    "GM MERCH EXP": "General merchandise expenses",
    "GROCERY": "Grocery",
    "MEAT": "Meat",
    "MEAT-PCKGD": "Packaged meat",
    "MISCELLANEOUS": "Miscellaneous",
    "NUTRITION": "Nutrition",
    "PASTRY": "Bakery & pastry",
    "PHOTO & VIDEO": "Photo & video",
    "POSTAL CENTER": "Postal center",
    "PROD-WHS SALES": "Produce warehouse sales",
    "PRODUCE": "Produce",
    "RESTAURANT": "Restaurant",
    "SALAD BAR": "Salad bar",
    "SEAFOOD": "Seafood",
    "SEAFOOD-PCKGD": "Packaged seafood",
    "SPIRITS": "Spirits",
    "TOYS": "Toys",
    "TRAVEL & LEISURE": "Travel & leisure",
    "UNRECORDED": "Unrecorded",
}

# The best sellers whose source text is cut in the middle or only makes sense to the store's own staff.
TYPES = {
    "BEERALEMALT LIQUORS": "Beer, Ale & Malt Liquor",
    "CANDY BARS (SINGLES)(INCLUDING": "Candy Bars, Singles",
    "CANDY & BREATH MINTS (PKGD) (N": "Candy & Breath Mints, Packaged",
    "CANNING JARSLIDSUTENSILSMIS": "Canning Jars, Lids & Utensils",
    "CHILDREN S ACTIVITY": "Children's Activity Books",
    "DAIRY CASE 100% PURE JUICE - O": "Chilled 100% Pure Orange Juice",
    "DAIRY CASE 100% PURE JUICE OTH": "Chilled 100% Pure Juice",
    "DAIRY CASE FRUIT DRINKS (NO JU": "Chilled Fruit Drinks",
    "DAIRY CASE JUICE DRNK UNDER 10": "Chilled Juice Drinks",
    "DAIRY CASE TEA NO SUGAR OR SWE": "Chilled Unsweetened Tea",
    "DAIRY CASE TEA WITH SUGAR OR S": "Chilled Sweetened Tea",
    "DRY BEANS/PEAS/BARLEY: BAG & B": "Dry Beans, Peas & Barley",
    "FLUID MILK WHITE ONLY": "White Milk",
    "FRZN BAGGED VEGETABLES - PLAIN": "Frozen Vegetables, Bagged",
    "FRZN BOXED VEGETABLES- VALUE A": "Frozen Vegetables, Boxed & Prepared",
    "FRZN SS PREMIUM ENTREES/DNRS/N": "Frozen Premium Entrees & Dinners, Nutritional",
    "FRZN SS PREMIUM ENTREES/DNRS/T": "Frozen Premium Entrees & Dinners, Traditional",
    "GASOLINE-REG UNLEADED": "Gasoline, Regular Unleaded",
    "IWS SINGLE CHEESE": "Cheese Singles, Individually Wrapped",
    "MAINSTREAM WHEAT/MULTIGRAIN BR": "Mainstream Wheat & Multigrain Bread",
    "MIXERS(TONIC WTR/CLUB SODA/GNG": "Mixers: Tonic Water, Club Soda & Ginger Ale",
    "NON-CARB WATER FLVR - DRNK/MNR": "Flavored Still Water",
    "NON-CRBNTD DRNKING/MNERAL WATE": "Still Drinking & Mineral Water",
    "REFRIGERATED COOKIES-BREAK N B": "Refrigerated Cookie Dough, Break & Bake",
    "RTS SOUP: CHUNKY/HOMESTYLE ET": "Ready-to-Serve Soup: Chunky & Homestyle",
    "SFT DRNK 2 LITER BTL CARB INCL": "Soft Drinks, 2-Liter Bottle",
    "SFT DRNK MLT-PK BTL CARB (EXCP": "Soft Drinks, Multi-Pack Bottles",
    "SFT DRNK SNGL SRV BTL CARB (EX": "Soft Drinks, Single Bottle",
    "SGL SV/VEND MACH SNACKS CHIP/P": "Single-Serve Snacks & Chips",
    "SOFT DRINKS 12/18&15PK CAN CAR": "Soft Drinks, 12 to 18 Cans",
    "SOFT DRINKS 20PK&24PK CAN CARB": "Soft Drinks, 20 or 24 Cans",
    "SOFT DRINKS 6PK/4PK CAN CARB (": "Soft Drinks, 4 or 6 Cans",
    "SS ECONOMY ENTREES/DINNERS ALL": "Frozen Economy Entrees & Dinners",
    "YOGURT NOT MULTI-PACKS": "Yogurt, Single",
}

# A type that says how good or which part, but not what it is: the category is put in front of it.
VAGUE = frozenset({
    "ACTIVITY", "ANGUS", "BASICS", "BLENDS", "BULK", "BUTTS", "CHOICE", "CONES", "CONSTRUCTION",
    "CONTINUITY", "COOKED", "DECOR", "DRUMS", "DRY", "ECONOMY", "ENHANCED", "ENTREES", "EXTERNAL", "FLANK",
    "FLATS", "FRAMES", "FRESH", "FURNITURE", "GRAINS", "INTERNAL", "JUICE", "KITS", "LAUNDRY", "LEAN",
    "LOAVE", "MAINSTREAM", "MARINATED", "MICROWAVE", "MISC", "MISCELLANEOUS", "MIXES", "NATURAL",
    "NOVELTIES", "ORGANIC", "OTHER", "OVEN", "PACKAGED", "PAILS", "PANTRY", "PATTIES", "PIECES", "PINTS",
    "POULTRY", "PREMIUM", "PRIMAL", "PROMOTIONAL", "QUARTS", "RED", "RIBS", "SEASONAL", "SEASONED",
    "SELECT", "SPECIALTY", "STANDARD", "STIMULANTS", "SUPER", "THIN", "TRADITIONAL", "TREATS", "VALUE",
    "WINGS", "WRAP",
})  # fmt: skip

# One word each; a word cut by the 30-character limit is listed here too when it ends a frequent type.
WORDS = {
    "ACC": "Accessories", "ACCESS": "Accessories", "ACCSS": "Accessories", "BBQ": "BBQ", "BEV": "Beverages",
    "BG": "Bags", "BKD": "Baked", "BKNGWARES": "Bakewares", "BN": "Beans", "BNDGES": "Bandages",
    "BRD": "Breaded", "BRKFST": "Breakfast", "BTL": "Bottle", "BTLS": "Bottles", "BTR": "Butter",
    "CARB": "Carbonated", "CATFD": "Cat Food", "CHIX": "Chicken", "CHP": "Chop", "CKE": "Cake",
    "CKTLS": "Cocktails", "CKYS": "Cookies", "CLEANE": "Cleaners", "CLEANG": "Cleaning", "CND": "Canned",
    "CNDLES": "Candles", "CNDY": "Candy", "CNTRL": "Control", "COCO": "Cocoa", "COFF": "Coffee",
    "CONC": "Concentrate", "CONTAINR": "Containers", "COOKNG": "Cooking", "CRACKE": "Crackers",
    "CRBNTD": "Carbonated", "CRKR": "Crackers", "CRYSTL": "Crystal", "DEOD": "Deodorant",
    "DISPOSIBLE": "Disposable", "DL": "Deli", "DNR": "Dinner", "DNRS": "Dinners", "DOGFD": "Dog Food",
    "DRNK": "Drink", "DRNKING": "Drinking", "DRNKNG": "Drinking", "DRNKS": "Drinks", "DRSNG": "Dressing",
    "DSH": "Dishes", "DVD": "DVDs", "ELSTC": "Elastic", "FD": "Food", "FDS": "Foods", "FEM": "Feminine",
    "FLAV": "Flavored", "FLNK": "Flank", "FLVR": "Flavored", "FLVRD": "Flavored", "FRD": "Fried",
    "FRE": "Fresh", "FRK": "Drink", "FRZ": "Frozen", "FRZN": "Frozen", "FS": "French Style", "GDS": "Goods",
    "GNGR": "Ginger", "GR": "Ground", "GRND": "Ground", "HBC": "Health & Beauty Care", "HH": "Household",
    "HORSER": "Horseradish", "HYGN": "Hygiene", "INCL": "Including", "IQF": "Individually Frozen",
    "JCE": "Juice", "JHOOK": "Hanging Display", "JUI": "Juice", "JUIC": "Juice", "LAY": "Layer",
    "LIQ": "Liquid", "LIQS": "Liquids", "LSS": "Less", "LT": "Liter", "LTR": "Lighter", "MACH": "Machine",
    "MEDICATE": "Medicated", "MEMORABLILIA": "Memorabilia", "MENS": "Men's", "MFG": "Manufacturer",
    "MISC": "Miscellaneous", "MIXS": "Mixes", "MLK": "Milk", "MLT": "Multi", "MNERAL": "Mineral",
    "MNRL": "Mineral", "MW": "Microwave", "MX": "Mix", "MXS": "Mixes", "NDAIRY": "Non-Dairy",
    "NTRTNL": "Nutritional", "OJ": "Orange Juice", "OTC": "Over-the-Counter", "OTH": "Other",
    "OTHE": "Other", "OTYHER": "Other", "PC": "Pieces", "PCKGD": "Packaged", "PK": "Pack",
    "PKG": "Packaged", "PKGD": "Packaged", "PKLD": "Pickled", "PLSTC": "Plastic", "PLT": "Plate",
    "PNCH": "Punch", "PNT": "Peanut", "PNUT": "Peanut", "PPK": "Prepacked", "PREM": "Premium",
    "PREP": "Prepared", "PREPORTND": "Preportioned", "PRESLC": "Presliced", "PRESLCD": "Presliced",
    "PROD": "Products", "PRODUC": "Products", "PRPCK": "Prepacked", "PRSLC": "Presliced", "PTTY": "Patties",
    "PWDR": "Powder", "PWDRS": "Powders", "QSR": "Quick-Service", "REFRGRATD": "Refrigerated",
    "REFRIG": "Refrigerated", "REG": "Regular", "RETL": "Retail", "RTD": "Ready-to-Drink",
    "RTS": "Ready-to-Serve", "RW": "Random-Weight", "SAL": "Salads", "SALD": "Salad",
    "SANDWIC": "Sandwiches", "SAUS": "Sausage", "SCE": "Sauce", "SFT": "Soft", "SGL": "Single",
    "SHERBTS": "Sherbets", "SHLDR": "Shoulder", "SHLFSH": "Shellfish", "SHNK": "Shank", "SHRED": "Shredded",
    "SLC": "Slices", "SLD": "Salad", "SNDWCH": "Sandwich", "SNGL": "Single", "SNKS": "Snacks",
    "SOD": "Soda", "SPEC": "Specialty", "SPF": "SPF", "SPHE": "DVDs", "SPLY": "Supplies", "SPRD": "Spread",
    "SRV": "Serve", "SS": "Single-Serve", "STK": "Steak", "SUG": "Sugar", "SUP": "Super",
    "SUPP": "Supplements", "SUPPLEMEN": "Supplements", "SUPPPLIES": "Supplies", "SUPRT": "Support",
    "SV": "Serve", "SW": "Sweet", "SWE": "Sweetener", "SWEE": "Sweetener", "SWEETNERS": "Sweeteners",
    "SWT": "Sweet", "THN": "Than", "TISS": "Tissues", "TN": "Tennessee", "TODD": "Toddlers",
    "TORT": "Tortilla", "TRSH": "Trash", "TV": "TV", "UNDERGARMEN": "Undergarments", "VAC": "Vacuum",
    "VEG": "Vegetable", "VEND": "Vending", "WAT": "Water", "WATE": "Water", "WHL": "Whole",
    "WHLSM": "Wholesome", "WOMENS": "Women's", "WRA": "Wraps", "WT": "Weight", "WTR": "Water",
    "XMAS": "Christmas",
}  # fmt: skip
SMALL = frozenset({
    "AND", "AS", "BY", "FOR", "FROM", "IN", "NOT", "OF", "ON", "OR", "THAN", "THE", "TO", "WITH", "WITHOUT",
})  # fmt: skip

UNITS = {
    "OZ": "oz", "FL OZ": "fl oz", "LB": "lb", "CT": "ct", "PK": "pack", "PC": "pc", "L": "L", "ML": "ml",
    "GA": "gal", "GAL": "gal", "QT": "qt", "PT": "pt", "DZ": "dozen", "DOZ": "dozen", "SQ FT": "sq ft",
    "CU FT": "cu ft", "FT": "ft", "IN": "in", "YD": "yd", "GM": "g", "G": "g", "MM": "mm", "CM": "cm",
    "LOAD": "loads", "LD": "loads", "ROLL": "rolls", "DOSE": "doses",
}  # fmt: skip
_UNIT = "|".join(sorted(UNITS, key=len, reverse=True))
_NUMBER = r"(?:\d{1,4}(?:\.\d{1,3})?|\.\d{1,3})"
_AMOUNT = rf"{_NUMBER}(?:\s?[-/]\s?{_NUMBER}|\s\d/\d)?\s?(?:{_UNIT})"
_SIZE = re.compile(rf"(?<![\d.X])(?<!X )({_AMOUNT})S?(?:\s?/\s?({_AMOUNT})S?)?(?![A-Z])")
_FRACTIONS = frozenset({"1/2", "1/3", "1/4", "1/8", "2/3", "3/4", "3/8", "5/8", "7/8"})
_WORD = re.compile(r"[A-Z][A-Z']*|\d[\d.]*%?(?:PK|PC|IN|ML|LT|LBS|P)?(?![A-Z])")


def department_name(raw: str) -> str:
    """The department as the storefront shows it; one that is not in the list is only re-cased."""
    return DEPARTMENTS.get(raw) or readable(raw)


def product_title(product_type: str | None, category: str | None, size: str | None) -> str:
    """`ICE - CRUSHED/CUBED`, `FRZN ICE`, `22 LB` -> `Ice - Crushed/Cubed, 22 lb`.

    A vague type gets its category in front (`Beef - Lean`); without a type the category stands alone; with
    neither the title is `Unlabeled item`.
    """
    name = readable(product_type or "")
    group = readable(category or "")
    if product_type and product_type.split(" - ")[0] in VAGUE and group and name.upper() not in group.upper():
        name = f"{group} - {name}"
    amount = readable_size(size or "")
    return ", ".join(part for part in (name or group or "Unlabeled item", amount) if part)


def readable(raw: str) -> str:
    """Expand abbreviations and re-case one type or category; what the source has cut off is dropped."""
    if raw in TYPES:
        return TYPES[raw]
    text = _without_cut_end(raw)
    text = re.sub(r"\bDVD S\b", "DVD", text).replace("MISC.", "MISC ")
    text = re.sub(r"\b(CHILDREN|WOMEN) S\b", r"\1'S", text)
    text = re.sub(r"\bW/O\b", "WITHOUT", text)
    text = re.sub(r"\bW/(?=[A-Z])", "WITH ", text)
    text = re.sub(r"\bN/(CARB|MEAT|A\b)", r"NON-\1", text)
    text = re.sub(r"\s*&\s*", " & ", text)
    text = re.sub(r"\s*:\s*", ": ", text)
    text = re.sub(r"(?<=[A-Z])- |(?<=[A-Z]) -(?=[A-Z])", " - ", text)
    text = re.sub(r"(?<=[A-Z])\((?=[A-Z0-9])", " (", text)
    text = _WORD.sub(_word, re.sub(r"\s+", " ", text).strip())
    return text[:1].upper() + text[1:]


def readable_size(raw: str) -> str:
    """`12 PK/12 OZ` -> `12 pack / 12 oz`; store codes around the amount and unreadable sizes are dropped."""
    text = re.sub(r"\s+", " ", raw).strip()
    if text in ("HALF GAL", "1/2 GAL"):
        return "1/2 gal"
    if text in UNITS and text not in ("IN", "L"):
        return f"1 {UNITS[text]}"
    found = _SIZE.search(text)
    if found is None:
        return ""
    return " / ".join(_amount(part) for part in found.groups() if part)


def _without_cut_end(raw: str) -> str:
    """Drop a parenthesis that never closes and, at the length limit, a rest of one or two letters."""
    text = raw
    while text.count("(") > text.count(")"):
        text = text[: text.rindex("(")]
    if len(raw) == TYPE_LIMIT:
        text = re.sub(r"[\s/&-]+[A-Z]{1,2}$", "", text)
    return text.strip(" -/&:")


def _word(found: re.Match[str]) -> str:
    word = found.group()
    if word in WORDS:
        return WORDS[word]
    if word in SMALL:
        return word.lower()
    if word[0].isdigit():
        return re.sub(r"(?<=\d)P[KC]$", "-Pack", word).replace("IN", "-Inch") if word[-1].isalpha() else word
    return word.capitalize() if "'" not in word else word[0] + word[1:].lower()


def _amount(text: str) -> str:
    number, unit = re.fullmatch(rf"(.*?)\s?({_UNIT})", text, re.ASCII).groups()  # type: ignore[union-attr]
    number = re.sub(r"(?<!\d)\.", "0.", re.sub(r"\s?([-/])\s?", r"\1", number))
    if number not in _FRACTIONS and " " not in number:
        number = number.replace("/", " x ")  # `8/4 OZ` is eight of four ounces
    return f"{number} {UNITS[unit]}"
