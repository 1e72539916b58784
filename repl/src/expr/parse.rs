//! The grammar: C's expressions, with gdb's `$name`, `{type} addr`, `array@count` and `'file'::name` left out.

use emu_stub::{Error, Result};

/// Nesting that is followed.
const MAX_DEPTH: usize = 100;

/// The name of a type as it was written; its meaning depends on the program.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeName {
    /// `unsigned int`, `struct point`, `size_t`.
    pub base: String,
    /// Number of stars.
    pub pointers: usize,
    /// Dimensions.
    pub dimensions: Vec<u64>,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// An integer; whether it was written in a base other than ten; its suffix.
    Int(u64, bool, String),
    /// A floating-point number.
    Float(f64),
    /// A character.
    Char(u8),
    /// A string.
    Str(Vec<u8>),
    /// A variable, a function or an enumerator.
    Name(String),
    /// `$name`, without the dollar sign.
    Dollar(String),
    /// An operator before its operand.
    Unary(&'static str, Box<Expr>),
    /// An operator between its operands.
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `a ? b : c`
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `a = b`; with an operator `a += b`.
    Assign(Box<Expr>, Option<&'static str>, Box<Expr>),
    /// `(type) a`
    Cast(TypeName, Box<Expr>),
    /// `{type} a`: what is in memory at `a`.
    AtAddress(TypeName, Box<Expr>),
    /// `a[b]`
    Index(Box<Expr>, Box<Expr>),
    /// `a.name`, and with `true` `a->name`.
    Member(Box<Expr>, String, bool),
    /// `sizeof (type)`
    SizeOfType(TypeName),
    /// `f(...)`
    Call(Box<Expr>, Vec<Expr>),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Int(u64, bool, String),
    Float(f64),
    Char(u8),
    Str(Vec<u8>),
    Name(String),
    Dollar(String),
    Op(&'static str),
}

/// Longest first.
const OPERATORS: &[&str] = &[
    "<<=", ">>=", "->", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=", "-=", "*=", "/=",
    "%=", "&=", "|=", "^=", "::", "(", ")", "[", "]", "{", "}", "+", "-", "*", "/", "%", "&", "|",
    "^", "~", "!", "<", ">", "=", "?", ":", ".", ",", "@",
];

fn bad<T>(text: impl Into<String>) -> Result<T> {
    Err(Error::Invalid(text.into()))
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let b = text.as_bytes();
    let mut out = Vec::new();
    let mut i = 0;
    let word = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c >= 0x80;
    while i < b.len() {
        let c = b[i];
        let start = i;
        if c.is_ascii_whitespace() {
            i += 1;
        } else if c.is_ascii_digit() || (c == b'.' && b.get(i + 1).is_some_and(u8::is_ascii_digit))
        {
            while i < b.len()
                && (word(b[i])
                    || b[i] == b'.'
                    || (matches!(b[i], b'+' | b'-') && exponent(&b[start..i])))
            {
                i += 1;
            }
            out.push(number(&text[start..i])?);
        } else if word(c) {
            while i < b.len() && word(b[i]) {
                i += 1;
            }
            out.push(Token::Name(text[start..i].to_owned()));
        } else if c == b'$' {
            i += 1;
            while i < b.len() && (word(b[i]) || b[i] == b'$') {
                i += 1;
            }
            out.push(Token::Dollar(text[start + 1..i].to_owned()));
        } else if c == b'\'' || c == b'"' {
            i += 1;
            let mut bytes = Vec::new();
            loop {
                match b.get(i) {
                    None => return bad("unmatched quote"),
                    Some(q) if *q == c => break,
                    Some(b'\\') => {
                        let (byte, n) = escape(&b[i + 1..])?;
                        bytes.push(byte);
                        i += 1 + n;
                    }
                    Some(other) => {
                        bytes.push(*other);
                        i += 1;
                    }
                }
            }
            i += 1;
            match (c, bytes.as_slice()) {
                (b'"', _) => out.push(Token::Str(bytes)),
                (_, [one]) => out.push(Token::Char(*one)),
                _ => return bad("a character constant has one character"),
            }
        } else {
            let Some(op) = OPERATORS.iter().find(|o| text[i..].starts_with(**o)) else {
                return bad(format!(
                    "invalid character '{}' in expression",
                    text[i..].chars().next().unwrap_or(' ')
                ));
            };
            i += op.len();
            out.push(Token::Op(op));
        }
    }
    Ok(out)
}

/// Whether a sign may follow: the exponent of a decimal number has begun.
fn exponent(text: &[u8]) -> bool {
    matches!(text.last(), Some(b'e' | b'E')) && !text.starts_with(b"0x") && !text.starts_with(b"0X")
}

fn escape(rest: &[u8]) -> Result<(u8, usize)> {
    let Some(c) = rest.first() else {
        return bad("unmatched quote");
    };
    Ok(match c {
        b'n' => (b'\n', 1),
        b't' => (b'\t', 1),
        b'r' => (b'\r', 1),
        b'a' => (7, 1),
        b'b' => (8, 1),
        b'e' => (27, 1),
        b'f' => (12, 1),
        b'v' => (11, 1),
        b'x' => {
            let n = rest[1..]
                .iter()
                .take(2)
                .take_while(|c| c.is_ascii_hexdigit())
                .count();
            let digits = std::str::from_utf8(&rest[1..1 + n]).unwrap_or("");
            (u8::from_str_radix(digits, 16).unwrap_or(0), 1 + n)
        }
        b'0'..=b'7' => {
            let n = rest
                .iter()
                .take(3)
                .take_while(|c| (b'0'..=b'7').contains(c))
                .count();
            let value = rest[..n]
                .iter()
                .fold(0u32, |v, c| v * 8 + u32::from(c - b'0'));
            (value as u8, n)
        }
        other => (*other, 1),
    })
}

fn number(text: &str) -> Result<Token> {
    let lower = text.to_ascii_lowercase();
    let invalid = || Error::Invalid(format!("invalid number \"{text}\""));
    let radix = |digits: &str, radix: u32| {
        let body = digits.trim_end_matches(['u', 'l']);
        let value = u64::from_str_radix(body, radix).map_err(|_| invalid())?;
        Ok(Token::Int(value, true, digits[body.len()..].to_owned()))
    };
    if let Some(digits) = lower.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = lower.strip_prefix("0b") {
        return radix(digits, 2);
    }
    if lower.contains(['.', 'e']) {
        let body = lower.trim_end_matches(['f', 'l']);
        return body.parse().map(Token::Float).map_err(|_| invalid());
    }
    let body = lower.trim_end_matches(['u', 'l']);
    if body.len() > 1 && body.starts_with('0') {
        return radix(&lower[1..], 8);
    }
    let value = body.parse().map_err(|_| invalid())?;
    Ok(Token::Int(value, false, lower[body.len()..].to_owned()))
}

struct Parser<'t> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// Whether a name is that of a type.
    is_type: &'t dyn Fn(&str) -> bool,
}

/// Parses a whole expression. `is_type` tells typedefs from variables.
///
/// # Errors
/// It is none; the text says where.
pub fn parse(text: &str, is_type: &dyn Fn(&str) -> bool) -> Result<Expr> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
        is_type,
    };
    if parser.tokens.is_empty() {
        return bad("an expression is missing");
    }
    let expr = parser.comma()?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => bad(format!(
            "a syntax error in expression, near \"{}\"",
            parser.rest()
        )),
    }
}

/// Binary operators by precedence, loosest first.
const LEVELS: &[&[&str]] = &[
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<", ">", "<=", ">="],
    &["<<", ">>"],
    &["@"],
    &["+", "-"],
    &["*", "/", "%"],
];

const TYPE_WORDS: &[&str] = &[
    "void", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "_Bool",
    "bool", "const", "volatile", "struct", "union", "enum",
];

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn rest(&self) -> String {
        let shown = self.tokens[self.at..].iter().take(4).map(|t| match t {
            Token::Int(n, ..) => n.to_string(),
            Token::Float(n) => n.to_string(),
            Token::Char(c) => format!("'{}'", *c as char),
            Token::Str(s) => format!("\"{}\"", String::from_utf8_lossy(s)),
            Token::Name(n) => n.clone(),
            Token::Dollar(n) => format!("${n}"),
            Token::Op(o) => (*o).to_owned(),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    fn eat(&mut self, op: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Op(o)) if *o == op);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, op: &str) -> Result<()> {
        if self.eat(op) {
            return Ok(());
        }
        if self.peek().is_none() {
            return bad(format!("'{op}' is missing at the end of the expression"));
        }
        bad(format!(
            "a syntax error in expression, near \"{}\"",
            self.rest()
        ))
    }

    fn deeper(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return bad("the expression is nested too deeply");
        }
        Ok(())
    }

    fn comma(&mut self) -> Result<Expr> {
        let mut left = self.assignment()?;
        while self.eat(",") {
            let right = self.assignment()?;
            left = Expr::Binary(",", Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn assignment(&mut self) -> Result<Expr> {
        self.deeper()?;
        let left = self.choice()?;
        const COMPOUND: &[(&str, &str)] = &[
            ("+=", "+"),
            ("-=", "-"),
            ("*=", "*"),
            ("/=", "/"),
            ("%=", "%"),
            ("&=", "&"),
            ("|=", "|"),
            ("^=", "^"),
            ("<<=", "<<"),
            (">>=", ">>"),
        ];
        let op = match self.peek() {
            Some(Token::Op("=")) => Some(None),
            Some(Token::Op(o)) => COMPOUND
                .iter()
                .find(|(c, _)| c == o)
                .map(|(_, op)| Some(*op)),
            _ => None,
        };
        let expr = match op {
            Some(op) => {
                self.at += 1;
                let right = self.assignment()?;
                Expr::Assign(Box::new(left), op, Box::new(right))
            }
            None => left,
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn choice(&mut self) -> Result<Expr> {
        let condition = self.binary(0)?;
        if !self.eat("?") {
            return Ok(condition);
        }
        let yes = self.comma()?;
        self.expect(":")?;
        let no = self.assignment()?;
        Ok(Expr::Choice(
            Box::new(condition),
            Box::new(yes),
            Box::new(no),
        ))
    }

    fn binary(&mut self, level: usize) -> Result<Expr> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        let mut count = 0;
        while let Some(Token::Op(op)) = self.peek()
            && let Some(op) = operators.iter().find(|o| *o == op)
        {
            self.at += 1;
            // A long chain leans to the left, and is walked to its depth.
            count += 1;
            if count > 1000 {
                return bad("the expression is too long");
            }
            let right = self.binary(level + 1)?;
            left = Expr::Binary(op, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr> {
        self.deeper()?;
        let expr = self.unary_inner();
        self.depth -= 1;
        expr
    }

    fn unary_inner(&mut self) -> Result<Expr> {
        for op in ["-", "+", "!", "~", "*", "&"] {
            if self.eat(op) {
                return Ok(Expr::Unary(op, Box::new(self.unary()?)));
            }
        }
        if self.eat("{") {
            let ty = self.type_name()?;
            self.expect("}")?;
            return Ok(Expr::AtAddress(ty, Box::new(self.unary()?)));
        }
        if matches!(self.peek(), Some(Token::Name(n)) if n == "sizeof") {
            self.at += 1;
            if matches!(self.peek(), Some(Token::Op("("))) && self.type_at(self.at + 1) {
                self.at += 1;
                let ty = self.type_name()?;
                self.expect(")")?;
                return Ok(Expr::SizeOfType(ty));
            }
            return Ok(Expr::Unary("sizeof", Box::new(self.unary()?)));
        }
        if matches!(self.peek(), Some(Token::Op("("))) && self.type_at(self.at + 1) {
            self.at += 1;
            let ty = self.type_name()?;
            self.expect(")")?;
            return Ok(Expr::Cast(ty, Box::new(self.unary()?)));
        }
        self.postfix()
    }

    fn type_at(&self, at: usize) -> bool {
        match self.tokens.get(at) {
            Some(Token::Name(n)) => TYPE_WORDS.contains(&n.as_str()) || (self.is_type)(n),
            _ => false,
        }
    }

    fn type_name(&mut self) -> Result<TypeName> {
        let mut words: Vec<String> = Vec::new();
        while let Some(Token::Name(name)) = self.peek().cloned() {
            let tag = words
                .last()
                .is_some_and(|w| matches!(w.as_str(), "struct" | "union" | "enum"));
            let keyword = TYPE_WORDS.contains(&name.as_str());
            if !(tag || keyword || (words.is_empty() && (self.is_type)(&name))) {
                break;
            }
            self.at += 1;
            if !matches!(name.as_str(), "const" | "volatile") {
                words.push(name);
            }
        }
        if words.is_empty() {
            return bad(format!("a type is expected near \"{}\"", self.rest()));
        }
        let mut pointers = 0;
        while self.eat("*") {
            pointers += 1;
        }
        let mut dimensions = Vec::new();
        while self.eat("[") {
            match self.peek() {
                Some(Token::Int(n, ..)) => dimensions.push(*n),
                _ => return bad("the dimension of an array is a number"),
            }
            self.at += 1;
            self.expect("]")?;
        }
        Ok(TypeName {
            base: words.join(" "),
            pointers,
            dimensions,
        })
    }

    fn postfix(&mut self) -> Result<Expr> {
        let mut expr = self.primary()?;
        for _ in 0..1000 {
            if self.eat("[") {
                let index = self.comma()?;
                self.expect("]")?;
                expr = Expr::Index(Box::new(expr), Box::new(index));
            } else if self.eat("(") {
                let mut args = Vec::new();
                while !self.eat(")") {
                    args.push(self.assignment()?);
                    if !self.eat(",") {
                        self.expect(")")?;
                        break;
                    }
                }
                expr = Expr::Call(Box::new(expr), args);
            } else {
                let arrow = matches!(self.peek(), Some(Token::Op("->")));
                if !arrow && !matches!(self.peek(), Some(Token::Op("."))) {
                    return Ok(expr);
                }
                self.at += 1;
                match self.peek().cloned() {
                    Some(Token::Name(name)) => expr = Expr::Member(Box::new(expr), name, arrow),
                    _ => return bad("the name of a member is missing"),
                }
                self.at += 1;
            }
        }
        bad("the expression is too long")
    }

    fn primary(&mut self) -> Result<Expr> {
        let Some(token) = self.peek().cloned() else {
            return bad("the expression ends too early");
        };
        self.at += 1;
        Ok(match token {
            Token::Int(value, based, suffix) => Expr::Int(value, based, suffix),
            Token::Float(value) => Expr::Float(value),
            Token::Char(c) => Expr::Char(c),
            Token::Str(s) => Expr::Str(s),
            Token::Name(name) => Expr::Name(name),
            Token::Dollar(name) => Expr::Dollar(name),
            Token::Op("(") => {
                let inner = self.comma()?;
                self.expect(")")?;
                inner
            }
            Token::Op(_) => {
                self.at -= 1;
                return bad(format!(
                    "a syntax error in expression, near \"{}\"",
                    self.rest()
                ));
            }
        })
    }
}

/// Parses the name of a type alone.
///
/// # Errors
/// It is none.
pub fn parse_type(text: &str, is_type: &dyn Fn(&str) -> bool) -> Result<TypeName> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
        is_type,
    };
    let ty = parser.type_name()?;
    match parser.peek() {
        None => Ok(ty),
        Some(_) => bad(format!(
            "a syntax error in the type, near \"{}\"",
            parser.rest()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> String {
        fn show(e: &Expr) -> String {
            match e {
                Expr::Int(n, ..) => n.to_string(),
                Expr::Name(n) => n.clone(),
                Expr::Dollar(n) => format!("${n}"),
                Expr::Unary(op, a) => format!("({op}{})", show(a)),
                Expr::Binary(op, a, b) => format!("({}{op}{})", show(a), show(b)),
                Expr::Assign(a, op, b) => format!("({}{}={})", show(a), op.unwrap_or(""), show(b)),
                Expr::Cast(t, a) => format!("(<{}{}>{})", t.base, "*".repeat(t.pointers), show(a)),
                Expr::AtAddress(t, a) => format!("({{{}}}{})", t.base, show(a)),
                Expr::Member(a, n, arrow) => {
                    format!("{}{}{n}", show(a), if *arrow { "->" } else { "." })
                }
                Expr::Index(a, b) => format!("{}[{}]", show(a), show(b)),
                other => format!("{other:?}"),
            }
        }
        parse(text, &|n| n == "size_t").map_or_else(|e| e.to_string(), |e| show(&e))
    }

    #[test]
    fn precedence_is_that_of_c() {
        assert_eq!(tree("1+2*3"), "(1+(2*3))");
        assert_eq!(tree("a & 3 == 2"), "(a&(3==2))");
        assert_eq!(tree("a = b += $x0 << 2 + 1"), "(a=(b+=($x0<<(2+1))))");
        assert_eq!(tree("*p->next[1].x"), "(*p->next[1].x)");
        assert_eq!(tree("(size_t)-1"), "(<size_t>(-1))");
        assert_eq!(
            tree("(unsigned char *) $sp + 1"),
            "((<unsigned char*>$sp)+1)"
        );
        assert_eq!(tree("{int} 0x10"), "({int}16)");
        assert_eq!(tree("(a) - 1"), "(a-1)");
    }

    #[test]
    fn mistakes_are_named() {
        assert!(tree("1 +").contains("ends too early"));
        assert!(tree("(1").contains("')' is missing"));
        assert!(tree("1 2").contains("near \"2\""));
        assert!(tree("0xzz").contains("invalid number"));
        assert!(tree(&"(".repeat(10_000)).contains("too deeply"));
        assert!(tree(&"-".repeat(10_000)).contains("too deeply"));
        assert!(tree("").contains("missing"));
    }
}
