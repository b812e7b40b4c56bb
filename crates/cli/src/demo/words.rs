//! The words that the demo is made of. Names are put together by chance; nobody is meant.

pub(super) const GIVEN: &[&str] = &[
    "Ada", "Alma", "Anselm", "Ayla", "Bela", "Benno", "Bruna", "Cato", "Celia", "Cyra", "Dario", "Della",
    "Edda", "Elio", "Enid", "Esra", "Fabia", "Finn", "Flora", "Gesa", "Gil", "Hanno", "Hedda", "Ida", "Ilan",
    "Imre", "Ines", "Jaro", "Jolan", "Juna", "Kalle", "Kira", "Lale", "Leif", "Linus", "Lovis", "Mara",
    "Milo", "Mina", "Nael", "Nele", "Noor", "Odin", "Oona", "Orla", "Paavo", "Pia", "Quirin", "Rasa", "Remo",
    "Runa", "Sami", "Selma", "Silas", "Tamo", "Tilda", "Udo", "Ulla", "Vera", "Vito", "Wanda", "Wim",
    "Xenia", "Yara", "Yorick", "Zita", "Zoran",
];

pub(super) const FAMILY: &[&str] = &[
    "Abelone",
    "Ahornsen",
    "Aldermoor",
    "Amselgrund",
    "Baumwart",
    "Birkenau",
    "Brackwater",
    "Cloverley",
    "Dachsfeld",
    "Dornbach",
    "Eibenstein",
    "Elmsworth",
    "Farnhill",
    "Fuchsloch",
    "Glenrothe",
    "Grünewalt",
    "Haselgrove",
    "Heidekamp",
    "Igelmann",
    "Isarquell",
    "Kastanien",
    "Kieselbach",
    "Larkwood",
    "Lindenhof",
    "Marderski",
    "Moorhouse",
    "Nebelhorn",
    "Nusswald",
    "Oakenfell",
    "Otterbein",
    "Pappelheim",
    "Quellmoor",
    "Rabenfels",
    "Rowanberry",
    "Sandhagen",
    "Schlehdorn",
    "Tannengrün",
    "Thistledown",
    "Ulmenried",
    "Vogelsang-Ost",
    "Wacholder",
    "Weidenkamp",
    "Yewbarrow",
    "Zaunkönig",
];

pub(super) const STREETS: &[&str] = &[
    "Canal Walk",
    "Chestnut Row",
    "Ferry Lane",
    "Garden Steps",
    "Harbour Street",
    "Hill Path",
    "Linden Avenue",
    "Market Place",
    "Mill Road",
    "Old Wall",
    "Orchard Way",
    "River Bank",
    "Station Road",
    "Weaver Court",
    "Willow Lane",
];

/// Towns, each with a postal code that must keep its zeros.
pub(super) const TOWNS: &[(&str, &str)] = &[
    ("Altmarkt", "01067"),
    ("Bergen am Wald", "04109"),
    ("Eastbridge", "00501"),
    ("Fernheim", "09111"),
    ("Highmoor", "06001"),
    ("Lakeside", "02108"),
    ("Neustadt am Fluss", "07318"),
    ("Northwick", "03044"),
    ("Silbertal", "08056"),
    ("Westerhaven", "05408"),
];

/// Kinds of parts: what, in which category, the cheapest and dearest in cents, the weight in grams.
pub(super) const PARTS: &[(&str, &str, i64, i64, i64)] = &[
    ("Chain", "Drivetrain", 1_490, 5_990, 270),
    ("Cassette", "Drivetrain", 2_490, 14_900, 320),
    ("Crankset", "Drivetrain", 5_900, 24_900, 780),
    ("Derailleur", "Drivetrain", 2_990, 18_900, 290),
    ("Brake pads", "Brakes", 590, 2_490, 35),
    ("Brake lever", "Brakes", 1_990, 8_900, 180),
    ("Disc rotor", "Brakes", 1_290, 5_490, 130),
    ("Tyre", "Wheels", 1_290, 6_990, 520),
    ("Inner tube", "Wheels", 390, 1_290, 140),
    ("Rim", "Wheels", 2_990, 12_900, 510),
    ("Hub", "Wheels", 3_490, 19_900, 340),
    ("Spokes, set of 36", "Wheels", 990, 3_490, 230),
    ("Saddle", "Comfort", 1_990, 12_900, 310),
    ("Handlebar", "Comfort", 1_490, 9_900, 290),
    ("Grips", "Comfort", 790, 3_990, 110),
    ("Pedals", "Comfort", 1_290, 9_900, 350),
    ("Front light", "Lights", 1_490, 9_900, 90),
    ("Rear light", "Lights", 990, 4_990, 60),
    ("Dynamo", "Lights", 4_900, 16_900, 420),
    ("Bell", "Accessories", 490, 2_990, 45),
    ("Lock", "Accessories", 1_990, 11_900, 950),
    ("Pannier", "Accessories", 2_990, 13_900, 820),
    ("Pump", "Accessories", 1_290, 7_900, 410),
    ("Mudguards", "Accessories", 1_490, 5_990, 480),
];

pub(super) const MAKES: &[&str] = &[
    "Alder",
    "Brisk",
    "Corvo",
    "Dapple",
    "Ferrow",
    "Kestrel",
    "Linnet",
    "Marlow",
    "Pivot & Son",
    "Tern",
];

pub(super) const SERIES: &[&str] = &["City", "Commute", "Gravel", "Tour", "Trail", "Winter"];

/// Repairs: what, how long it takes in minutes, what it costs in cents.
pub(super) const JOBS: &[(&str, i64, i64)] = &[
    ("Replace the chain", 30, 2_500),
    ("True the rear wheel", 45, 3_200),
    ("Bleed the brakes", 60, 4_500),
    ("Yearly service", 120, 8_900),
    ("Fix a flat tyre", 20, 1_500),
    ("Adjust the gears", 25, 1_900),
    ("Replace the bottom bracket", 75, 5_400),
    ("Fit new mudguards", 40, 2_200),
    ("Find the creak", 90, 6_000),
    ("Wire the lights", 50, 3_600),
    ("Build a wheel", 150, 9_800),
    ("Straighten the derailleur hanger", 20, 1_800),
];

pub(super) const REMARKS: &[&str] = &[
    "Please ring before starting.",
    "The bell is a present, handle with care.",
    "Has a second key at the counter.",
    "Wants the old parts back.",
    "Rides to work every day, so it is urgent in winter.",
    "Paid in advance.",
    "Squeaks only when it rains.\nCould not be repeated in the workshop.",
];

pub(super) const MECHANICS: &[(&str, &str)] = &[
    ("Ottilie", "teal"),
    ("Benedikt", "blue"),
    ("Sunniva", "violet"),
    ("Kaspar", "orange"),
];
