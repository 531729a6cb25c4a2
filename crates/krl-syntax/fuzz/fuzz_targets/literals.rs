//! Strings, numbers, chevrons and regular expressions by themselves: what is read prints as itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stratus_krl_syntax::{parse_expression, parse_ruleset, print, tokenize};

fuzz_target!(|text: &str| {
    for literal in [
        format!("\"{text}\""),
        format!("'{text}'"),
        format!("re#{text}#gi"),
        format!("re/{text}/m"),
        format!("#{text}#"),
        format!("<<{text}>>"),
        format!("<|{text}|>"),
        text.to_owned(),
    ] {
        let tokens = tokenize(&literal);
        let texts: String = tokens.iter().map(|token| token.span.text(&literal)).collect();
        assert_eq!(texts, literal);
        let _ = parse_expression(&literal);
        let source = format!("ruleset 1 {{ global {{ x = {literal} ; }} }}");
        if let Ok(ruleset) = parse_ruleset(&source).complete() {
            let printed = print(&ruleset);
            let again = parse_ruleset(&printed).complete();
            assert_eq!(again.map(|again| print(&again)), Ok(printed));
        }
    }
});
