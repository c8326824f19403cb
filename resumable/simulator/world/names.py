"""Seeded words and identifiers: the same arguments give the same answer in every process."""

import random
import unicodedata
from hashlib import blake2b

TEXTS = (
    "Order status",
    "Rückfrage zur Rechnung Nr. 4711",
    "Café – déjà vu, « très urgent »",
    "問い合わせ：配送について",
    "客户要求退款，请尽快处理",
    "고객 문의: 계정 잠김",
    "שלום, אני צריך עזרה",
    "مرحبا، أحتاج إلى مساعدة",
    "Счёт за октябрь не пришёл",
    "thanks 👍🏽 see you 👩‍👩‍👧‍👦",
    'He said "no" and left \\ twice',
    "line one\nline two\twith a tab",
    "a / slash </script> & ampersand",
    "control \u0001 character, nbsp \u00a0 and zero width \u200b space",
    "line \u2028 separator",
    "combining e\u0301 and precomposed é",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 beyond the basic plane 𐍈",
    "{}",
    "null",
    "0012",
    "1e5",
    " leading and trailing ",
    "",
    "ＦＵＬＬＷＩＤＴＨ",
    "İstanbul ıI",
)
FIRST_NAMES = ("Ada", "Björn", "Chloé", "Dmitri", "Élodie", "Fatima", "Grace", "Hiroshi", "Íñigo", "李", "Zoë")
LAST_NAMES = ("Nguyễn", "O'Brien", "Müller", "García", "Smith", "Ørsted", "田中", "Ivanov", "Haddad", "Şahin")
TOPICS = ("Billing", "Claims", "Support", "Verkauf", "Réclamations", "サポート", "Sales", "VIP", "Returns", "Technik")


def address_of(first: str, last: str, number: int) -> str:
    """Return an address for mail that reads like the name that it belongs to."""
    plain = unicodedata.normalize("NFKD", f"{first}.{last}").encode("ascii", "ignore").decode()
    return f"{''.join(c for c in plain if c.isalpha() or c == '.').strip('.') or 'mail'}{number}@example.net".lower()


def digest(*parts: object) -> int:
    """Return a 128-bit number that depends on the parts alone, never on the process."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big")


def seeded(*parts: object) -> random.Random:
    """Return a generator of its own for these parts."""
    return random.Random(digest(*parts))  # noqa: S311 -- invents data and dice; no key comes from here


def uuid_text(number: int) -> str:
    """Return the 128-bit number in the form of a version 4 UUID."""
    text = f"{number & ((1 << 128) - 1):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def uuid_of(*parts: object) -> str:
    """Return the identifier that belongs to these parts."""
    return uuid_text(digest(*parts))
