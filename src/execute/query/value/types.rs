//! The types that every PostgreSQL is born with, by number (`pg_type.dat` of its sources).
//! Pure.

use super::Form;

/// What is known of a type.
pub(crate) struct Known {
    /// As `format_type` calls it, without measures.
    pub(crate) name: &'static str,
    /// How its values become JSON.
    pub(crate) form: Form,
}

/// Number, number of the array, name, letter of the form.
const TYPES: [(u32, u32, &str, char); 46] = [
    (16, 1000, "boolean", 'b'),
    (17, 1001, "bytea", 't'),
    (18, 1002, "\"char\"", 't'),
    (19, 1003, "name", 't'),
    (20, 1016, "bigint", 'n'),
    (21, 1005, "smallint", 'n'),
    (23, 1007, "integer", 'n'),
    (24, 1008, "regproc", 't'),
    (25, 1009, "text", 't'),
    (26, 1028, "oid", 'n'),
    (27, 1010, "tid", 't'),
    (28, 1011, "xid", 't'),
    (29, 1012, "cid", 't'),
    (114, 199, "json", 'j'),
    (142, 143, "xml", 't'),
    (600, 1017, "point", 't'),
    (601, 1018, "lseg", 't'),
    (602, 1019, "path", 't'),
    (603, 1020, "box", 't'),
    (604, 1027, "polygon", 't'),
    (628, 629, "line", 't'),
    (650, 651, "cidr", 't'),
    (700, 1021, "real", 'n'),
    (701, 1022, "double precision", 'n'),
    (705, 0, "unknown", 't'),
    (718, 719, "circle", 't'),
    (790, 791, "money", 't'),
    (829, 1040, "macaddr", 't'),
    (869, 1041, "inet", 't'),
    (1042, 1014, "character", 't'),
    (1043, 1015, "character varying", 't'),
    (1082, 1182, "date", 't'),
    (1083, 1183, "time without time zone", 't'),
    (1114, 1115, "timestamp without time zone", 's'),
    (1184, 1185, "timestamp with time zone", 'm'),
    (1186, 1187, "interval", 't'),
    (1266, 1270, "time with time zone", 't'),
    (1560, 1561, "bit", 't'),
    (1562, 1563, "bit varying", 't'),
    (1700, 1231, "numeric", 'n'),
    (2205, 2210, "regclass", 't'),
    (2206, 2211, "regtype", 't'),
    (2278, 0, "void", 't'),
    (2950, 2951, "uuid", 't'),
    (3614, 3643, "tsvector", 't'),
    (3802, 3807, "jsonb", 'j'),
];

/// What is known of the type of that number, and whether it is an array of it.
pub(crate) fn known(oid: u32) -> Option<(Known, bool)> {
    let (own, _, name, letter) =
        TYPES.into_iter().find(|(own, array, ..)| oid != 0 && (*own == oid || *array == oid))?;
    let form = match letter {
        'b' => Form::Bool,
        'n' => Form::Number,
        'j' => Form::Json,
        's' => Form::Timestamp,
        'm' => Form::Moment,
        _ => Form::Text,
    };
    Some((Known { name, form }, own != oid))
}
