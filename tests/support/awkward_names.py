"""Names of folders that people have and programs trip over; each is allowed for a checkout."""

USABLE = (
    "Prime été 2026/projet RH",
    "E\u0301te\u0301 2026",  # decomposed, as macOS writes it
    "c'est ici",
    'il a dit "oui"',
    "100 %",
    "100% %s %(here)s",
    "a #1 ;b",
    "$HOME $(id) ${x} $$",
    "`id`",
    "R&D (copie) {1}",
    " devant et derrière ",
    "\u00a0insécable",
    "a=b@c+d~e!f*g?h<i>j",
    "x" * 100,
    "é" * 90,
)
# All of it in one path.
WORST = """Été #1 ;c'est "ici" $HOME & 100 % (x) {y}`z/E\u0301te\u0301"""
UNUSABLE = (
    "a:b",
    "Dupont, Jean",
    "[2026] prime",
    "prime]",
    "a|b",
    "a^b",
    "a\\b",
    "prime%20ete",
    "%E9t%E9",
    "prime !/ici",
    "deux\nlignes",
    "tab\tulation",
    "b\x07ell",
    "a\u2028b",
    "\U0001f6b4 prime",
    "\udce9t\udce9",  # Latin-1, as a UTF-8 terminal has it
    "x" * 200 + "/" + "y" * 200 + "/" + "z" * 200,
)
