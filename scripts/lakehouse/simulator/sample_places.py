"""Names, streets and communes for the fictive company's employees."""

FIRST_NAMES = (
    "Adèle", "Agathe", "Alice", "Amélie", "Anaïs", "Anne-Sophie", "Aurélie", "Camille", "Céline", "Chloé", "Claire",
    "Clémence", "Élise", "Élodie", "Emma", "Fanny", "Françoise", "Hélène", "Inès", "Jeanne", "Julie", "Léa", "Lucie",
    "Maëlle", "Manon", "Marie-Laure", "Mathilde", "Noémie", "Océane", "Pauline", "Sarah", "Solène", "Sophie", "Zoé",
    "Alexandre", "Antoine", "Arnaud", "Baptiste", "Benoît", "Cédric", "Clément", "Damien", "David", "Étienne",
    "Fabien", "François", "Gaël", "Grégoire", "Guillaume", "Hugo", "Jean-Baptiste", "Jérôme", "Julien", "Kévin",
    "Loïc", "Lucas", "Mathieu", "Maxime", "Nicolas", "Olivier", "Pierre", "Quentin", "Rémi", "Sébastien", "Théo",
    "Thomas", "Valentin", "Vincent", "Yann", "Youssef",
)  # fmt: skip
LAST_NAMES = (
    "Aubert", "Barthélemy", "Benali", "Berger", "Blanchard", "Bonnet", "Boulanger", "Bousquet", "Carpentier",
    "Castel", "Chevalier", "Colin", "Coste", "D'Angelo", "Da Silva", "De La Tour", "Delmas", "Deschamps", "Diallo",
    "Dubreuil", "Dumont", "Étienne", "Fabre", "Faure", "Ferrand", "Gaillard", "Garcia", "Gauthier", "Gervais",
    "Girard", "Guérin", "Haddad", "Hébert", "Jacquet", "Klein", "L'Hostis", "Lacombe", "Lefèvre", "Legrand",
    "Leroux", "Maillard", "Marchetti", "Martel", "Mazet", "Meunier", "Moreau-Vidal", "N'Diaye", "Nguyen", "Noël",
    "Ortega", "Pagès", "Pelletier", "Péron", "Perrin", "Poulain", "Prévost", "Quéré", "Renaud", "Rivière", "Roche",
    "Rousseau", "Salles", "Sanchez", "Teissier", "Texier", "Vasseur", "Verdier", "Vialla", "Weber", "Zimmermann",
)  # fmt: skip
STREETS = (
    "rue des Écoles", "avenue de la Mer", "rue du Moulin", "impasse des Lauriers", "chemin de la Garrigue",
    "allée des Cigales", "rue de l'Abrivado", "place de la Mairie", "rue Jean Jaurès", "boulevard des Arceaux",
    "rue de la République", "chemin du Mas Neuf", "rue des Tamaris", "avenue des Oliviers", "rue Frédéric Mistral",
    "quai des Barques", "rue du Four à Chaux", "allée Paul Valéry", "rue de l'Aire", "chemin des Salins",
)  # fmt: skip

# (postcode, commune), by distance from Lattes: within walking, within cycling, beyond both.
WALKING_COMMUNES = (
    ("34970", "Lattes"), ("34470", "Pérols"), ("34000", "Montpellier"), ("34070", "Montpellier"),
    ("34080", "Montpellier"), ("34090", "Montpellier"), ("34250", "Palavas-les-Flots"), ("34170", "Castelnau-le-Lez"),
    ("34430", "Saint-Jean-de-Védas"), ("34750", "Villeneuve-lès-Maguelone"),
)  # fmt: skip
CYCLING_COMMUNES = (
    ("34990", "Juvignac"), ("34130", "Mauguio"), ("34830", "Clapiers"), ("34830", "Jacou"), ("34790", "Grabels"),
    ("34740", "Vendargues"), ("34670", "Baillargues"), ("34160", "Castries"), ("34690", "Fabrègues"),
    ("34130", "Saint-Aunès"), ("34730", "Prades-le-Lez"), ("34820", "Teyran"), ("34570", "Pignan"),
)  # fmt: skip
FAR_COMMUNES = (
    ("34400", "Lunel"), ("34200", "Sète"), ("30000", "Nîmes"), ("34500", "Béziers"), ("34190", "Ganges"),
    ("34150", "Gignac"), ("66000", "Perpignan"), ("13001", "Marseille"),
)  # fmt: skip
# Too small for an offline gazetteer: their distance stays unknown.
HAMLETS = (("34150", "Saint-Guilhem-le-Désert"), ("34270", "Cazevieille"), ("34270", "Vacquières"))

BUSINESS_UNITS = ("Marketing", "R&D", "Ventes", "Finance", "Support")
EMPLOYMENT_CONTRACTS = ("CDI", "CDI", "CDI", "CDI", "CDD")
