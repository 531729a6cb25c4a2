ruleset expressions {
  global {
    numbers = [0, 1.5, .25, 10.0, 123456789012345678901234567890]
    precedence = 1 + 2 * 3 - 4 / 5 % 6 == 7 && 8 < 9 || not a && - b.c() <=> + d
    groups = (1 + 2) * (3 - (4 - 5)) - -6 - (7 + 8)
    unary = not (a == b) || - (c + d).e() + (- f).g()
    compare = [a like re#b#, a >< b, a cmp b, a != b, a <= b, a >= b, a > b]
    choice = a => b | c => d | (e => f | g) => h | i || j
    inner = (a => b | c) + d
    deep = a{"b"}{["c", "d"]}[0][i + 1].e.f(1, g = 2).time:add(h)()(3)
    map = {"a": {"b": []}, "c\"\\\n": {}, "d": (a)}
    text = "two\\ \"lines\"
and \n no more"
    chevron = <<>> + <<#{1}>> + <<a#{2}#{3}b{}#{"}"}\\ \>> # >\> c>>
    regexps = [re##, re#a/b\#c\\#gim, re#\d#i]
    lambda = function(f, g = function(x) { x }, h = g(1)) { y = f(g); function() { y + h } }
    names = [ent:a, time:now(), event:attrs{"x"}, math:pi]
    parenthesised = (function(x) { x })(1)
    not_operators = like; like = 1; cmp = like like cmp
  }
}
