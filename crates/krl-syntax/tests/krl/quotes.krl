ruleset a1x2 {
  global {
    plain = 'a # { b';
    half = "to the end #{";
    single = 'half #{ "open';
    other = "half #{ 'open";
    both = 'half #{\'x\'} and "more"';
    escaped = "\#{text} and #{1 + 2} and \\#{3}";
    script = <| var a = "#{'it\'s"; |>;
    mixed = <| var a = #{half} + "#{" |>;
    empty = "#{} #{ }";
    inner = "a #{'b'.as('str')} c #{'}'} #";
    chevron = <<a\#{b} #{'c > d'} \> >>;
    keyed = {key: 'v #{plain}', "#{half": 1, 'x\#{y}': 2};
  }
  rule r is test {
    select using "/#{half}" setting ()
    foreach keyed setting ()
    emit <| "#{" |>
    if plain eq half then {
      alert('x #{plain}');
    }
    fired { set ent:flag; set ent:n [1, 2]; set ent:m{"k"} {on: 1}; set ent:l []; set ent:p[1] -2; set ent:q {}; set ent:o {"a": 1}.keys() if plain; set ent:s{ent:l} [] on final; mark ent:trail with 'a #{' }
  }
  rule s {
    select when click "#x"
    choose { a(); b() }
  }
}
