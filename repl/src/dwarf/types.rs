//! Types of the C family.

use super::{Module, Symbols, index};
use gimli::{
    DW_AT_GNU_vector, DW_AT_bit_size, DW_AT_const_value, DW_AT_count, DW_AT_data_bit_offset,
    DW_AT_data_member_location, DW_AT_declaration, DW_AT_encoding, DW_AT_upper_bound, UnitOffset,
    constants as dw,
};
use std::sync::Arc;

/// Members, enumerators or dimensions of one type at most.
const MAX_PARTS: usize = 65_536;
/// Dimensions of an array at most.
const MAX_DIMENSIONS: usize = 16;

/// A type, shared.
pub type Ty = Arc<Type>;

/// An entry of the debugging information that is a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DieRef {
    /// Position in [`Symbols::modules`].
    pub module: usize,
    /// Position of the unit in the module.
    pub unit: usize,
    /// Offset in the unit.
    pub offset: usize,
}

/// A type that may not have been read yet: types refer to each other in circles.
#[derive(Clone, Debug, PartialEq)]
pub enum TyRef {
    /// Read.
    Known(Ty),
    /// Where it is.
    Die(DieRef),
}

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub struct Type {
    /// Its own name; "" for what is put together from others.
    pub name: String,
    /// Size in bytes; 0 for arrays, see [`Symbols::size_of`].
    pub size: u64,
    /// What it is.
    pub kind: Kind,
}

/// What a type is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Nothing.
    Void,
    /// An integer; with its sign.
    Int(bool),
    /// A character; with its sign.
    Char(bool),
    /// True or false.
    Bool,
    /// IEEE 754.
    Float,
    /// The address of another.
    Pointer(TyRef),
    /// Elements and how many; `None` if that is not told. A vector register's type is one, too.
    Array(TyRef, Option<u64>),
    /// `struct`, `union` or `class`, as the text says, and the members.
    Struct(&'static str, Vec<Member>),
    /// The enumerators.
    Enum(Vec<EnumValue>),
    /// What it returns, and the arguments.
    Function(TyRef, Vec<TyRef>),
    /// Another name.
    Typedef(TyRef),
    /// `const`, `volatile`.
    Qualified(&'static str, TyRef),
}

/// A member of a structure.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its name; "" for an anonymous structure inside.
    pub name: String,
    /// Its type.
    pub ty: TyRef,
    /// Offset in bytes.
    pub offset: u64,
    /// Of a bit field: first bit from the beginning of the structure, in the order of the target's memory; number of bits.
    pub bits: Option<(u64, u64)>,
}

/// A name for a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumValue {
    /// The name.
    pub name: String,
    /// The value.
    pub value: i64,
}

fn ty(name: &str, size: u64, kind: Kind) -> Ty {
    Arc::new(Type {
        name: name.into(),
        size,
        kind,
    })
}

/// `void`.
pub fn void() -> Ty {
    ty("void", 0, Kind::Void)
}

/// An integer type of the language.
pub fn int(name: &str, size: u64, signed: bool) -> Ty {
    ty(name, size, Kind::Int(signed))
}

/// A type that is made rather than read.
pub fn made(name: &str, size: u64, kind: Kind) -> Ty {
    ty(name, size, kind)
}

/// A pointer to `target`.
pub fn pointer(target: Ty, size: u64) -> Ty {
    ty("", size, Kind::Pointer(TyRef::Known(target)))
}

/// An array of `count` elements.
pub fn array(element: Ty, count: u64) -> Ty {
    ty("", 0, Kind::Array(TyRef::Known(element), Some(count)))
}

pub(super) fn load(module: &Module, die: DieRef) -> Ty {
    let key = (die.unit, die.offset);
    if let Some(known) = module.known_types().get(&key) {
        return known.clone();
    }
    let loaded = read(module, die).map_or_else(void, Arc::new);
    module.known_types().insert(key, loaded.clone());
    loaded
}

fn read(module: &Module, at: DieRef) -> Option<Type> {
    let unit = module.units.get(at.unit)?;
    let mut tree = unit.entries_at_offset(UnitOffset(at.offset)).ok()?;
    let die = tree.next_dfs().ok()??.clone();
    let base = die.depth();
    let name = index::entry_name(module, at.unit, &die).unwrap_or_default();
    let size = index::byte_size(&die).unwrap_or(0);
    let target =
        || index::entry_type(module, at.unit, &die).unwrap_or_else(|| TyRef::Known(void()));
    let address_size = u64::from(unit.encoding().address_size);
    // The direct children, handed one by one to the closure until it has enough.
    let mut children =
        |each: &mut dyn FnMut(&gimli::DebuggingInformationEntry<super::Bytes>) -> bool| {
            while let Ok(Some(child)) = tree.next_dfs() {
                if child.depth() <= base {
                    break;
                }
                if child.depth() == base + 1 && !each(child) {
                    break;
                }
            }
        };
    let mut made_name = name.clone();
    let mut made_size = size;
    let kind = match die.tag() {
        dw::DW_TAG_base_type => {
            let encoding = die.attr(DW_AT_encoding).and_then(|a| a.udata_value())?;
            match gimli::DwAte(encoding.try_into().ok()?) {
                dw::DW_ATE_boolean => Kind::Bool,
                dw::DW_ATE_float => Kind::Float,
                dw::DW_ATE_signed => Kind::Int(true),
                dw::DW_ATE_signed_char => Kind::Char(true),
                dw::DW_ATE_unsigned_char | dw::DW_ATE_UTF => Kind::Char(false),
                _ => Kind::Int(false),
            }
        }
        dw::DW_TAG_pointer_type | dw::DW_TAG_reference_type | dw::DW_TAG_rvalue_reference_type => {
            if made_size == 0 {
                made_size = address_size;
            }
            Kind::Pointer(target())
        }
        dw::DW_TAG_typedef => Kind::Typedef(target()),
        dw::DW_TAG_const_type => Kind::Qualified("const", target()),
        dw::DW_TAG_volatile_type => Kind::Qualified("volatile", target()),
        dw::DW_TAG_restrict_type => Kind::Qualified("restrict", target()),
        dw::DW_TAG_atomic_type => Kind::Qualified("_Atomic", target()),
        dw::DW_TAG_unspecified_type => Kind::Void,
        dw::DW_TAG_subroutine_type => {
            let mut args = Vec::new();
            children(&mut |c| {
                if c.tag() == dw::DW_TAG_formal_parameter {
                    args.extend(index::entry_type(module, at.unit, c));
                }
                args.len() < 256
            });
            Kind::Function(target(), args)
        }
        dw::DW_TAG_array_type => {
            let mut counts = Vec::new();
            let vector = die.has_attr(DW_AT_GNU_vector);
            children(&mut |c| {
                if c.tag() == dw::DW_TAG_subrange_type {
                    let count = c.attr(DW_AT_count).and_then(|a| a.udata_value());
                    let upper = c.attr(DW_AT_upper_bound).and_then(|a| a.udata_value());
                    // An upper bound of -1 is an array without elements.
                    counts.push(
                        count.or_else(|| upper.map(|u| u.wrapping_add(1) & u64::from(u32::MAX))),
                    );
                }
                counts.len() < MAX_DIMENSIONS
            });
            made_name = if vector {
                String::from("vector")
            } else {
                String::new()
            };
            made_size = 0;
            let mut counts = counts.into_iter().rev();
            let mut kind = Kind::Array(target(), counts.next().unwrap_or(None));
            for count in counts {
                kind = Kind::Array(TyRef::Known(ty("", 0, kind)), count);
            }
            kind
        }
        dw::DW_TAG_enumeration_type => {
            made_name = format!("enum {}", anonymous(&name));
            let mut values = Vec::new();
            children(&mut |c| {
                if c.tag() == dw::DW_TAG_enumerator
                    && let Some(name) = index::entry_name(module, at.unit, c)
                    && let Some(value) = c.attr(DW_AT_const_value).and_then(|a| a.sdata_value())
                {
                    values.push(EnumValue { name, value });
                }
                values.len() < MAX_PARTS
            });
            Kind::Enum(values)
        }
        tag @ (dw::DW_TAG_structure_type | dw::DW_TAG_union_type | dw::DW_TAG_class_type) => {
            let keyword = match tag {
                dw::DW_TAG_structure_type => "struct",
                dw::DW_TAG_union_type => "union",
                _ => "class",
            };
            // What is only declared here may be defined in another unit.
            if die.has_attr(DW_AT_declaration)
                && let Some(&(unit, offset)) =
                    module.index().types.get(&format!("{keyword} {name}"))
                && (unit, offset) != (at.unit, at.offset)
            {
                let whole = load(
                    module,
                    DieRef {
                        module: at.module,
                        unit,
                        offset,
                    },
                );
                return Some((*whole).clone());
            }
            made_name = format!("{keyword} {}", anonymous(&name));
            let little = module.little;
            let mut members = Vec::new();
            children(&mut |c| {
                if c.tag() == dw::DW_TAG_member
                    && let Some(ty) = index::entry_type(module, at.unit, c)
                {
                    let number = |a| c.attr(a).and_then(|a| a.udata_value());
                    let offset = number(DW_AT_data_member_location).unwrap_or(0);
                    let bits = number(DW_AT_bit_size).map(|count| {
                        let first = match number(DW_AT_data_bit_offset) {
                            Some(bit) => bit,
                            // The way of DWARF 3: counted from the other end of the storage.
                            None => {
                                let skip = number(gimli::DW_AT_bit_offset).unwrap_or(0);
                                let storage = number(gimli::DW_AT_byte_size).unwrap_or(4);
                                let within = if little {
                                    storage
                                        .saturating_mul(8)
                                        .saturating_sub(skip)
                                        .saturating_sub(count)
                                } else {
                                    skip
                                };
                                offset.saturating_mul(8).saturating_add(within)
                            }
                        };
                        (first, count)
                    });
                    members.push(Member {
                        name: index::entry_name(module, at.unit, c).unwrap_or_default(),
                        ty,
                        offset,
                        bits,
                    });
                }
                members.len() < MAX_PARTS
            });
            Kind::Struct(keyword, members)
        }
        _ => return None,
    };
    Some(Type {
        name: made_name,
        size: made_size,
        kind,
    })
}

fn anonymous(name: &str) -> &str {
    if name.is_empty() { "{...}" } else { name }
}

impl Symbols {
    /// How the type is written in C.
    pub fn type_name(&self, ty: &Ty) -> String {
        self.declare(ty, "", 0)
    }

    /// The declaration of `name` with this type.
    pub fn declare(&self, ty: &Ty, name: &str, depth: usize) -> String {
        if depth > 32 {
            return "...".into();
        }
        let glue = |left: &str, name: &str| {
            if name.is_empty() {
                left.to_owned()
            } else if left.ends_with('*') {
                format!("{left}{name}")
            } else {
                format!("{left} {name}")
            }
        };
        match &ty.kind {
            Kind::Pointer(target) => {
                let target = self.resolve(target);
                let inner = format!("*{name}");
                match target.kind {
                    Kind::Function(..) | Kind::Array(..) => {
                        self.declare(&target, &format!("({inner})"), depth + 1)
                    }
                    _ => self.declare(&target, &inner, depth + 1),
                }
            }
            Kind::Array(element, count) => {
                let element = self.resolve(element);
                let count = count.map_or(String::new(), |n| n.to_string());
                let inner = format!("{name}[{count}]");
                self.declare(&element, &inner, depth + 1)
            }
            Kind::Function(returns, args) => {
                let args: Vec<String> = args
                    .iter()
                    .map(|a| self.declare(&self.resolve(a), "", depth + 1))
                    .collect();
                let args = if args.is_empty() {
                    "void".into()
                } else {
                    args.join(", ")
                };
                let returns = self.resolve(returns);
                self.declare(&returns, &format!("{name}({args})"), depth + 1)
            }
            Kind::Qualified(word, inner) => {
                let inner = self.resolve(inner);
                // The qualifier of a pointer stands behind the star.
                if matches!(inner.kind, Kind::Pointer(_)) {
                    self.declare(&inner, &glue(&format!(" {word}"), name), depth + 1)
                } else {
                    format!("{word} {}", self.declare(&inner, name, depth + 1))
                }
            }
            _ => {
                let separate =
                    name.starts_with('*') || name.starts_with('(') || name.starts_with('[');
                if separate {
                    format!("{} {name}", ty.name)
                } else {
                    glue(&ty.name, name)
                }
            }
        }
    }
}
