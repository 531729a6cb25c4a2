ruleset events {
  rule r1 { select when a b or c:d and e f before g h }
  rule r2 { select when (a b or c d) and (e f then g h after i j) within 5 minutes }
  rule r3 { select when a b between (c d, e f,) within 1 day }
  rule r4 { select when a b not between (c d x re#1#, e f where g > 1) within 3 weeks }
  rule r5 { select when any 2 (a b, c d, e f) within 1 month noop() }
  rule r6 { select when count 3 (a b c re#(\d+)# setting(d)) max(m) within 30 seconds }
  rule r7 { select when repeat 3 (a b c re#(\d+)# setting(d)) push(all, more) within 1 year }
  rule r8 { select when and(a b, c d, or(e f, g h)) }
  rule r9 { select when before(a b, then(c d, after(e f, g h)),) }
  rule r10 { select when a b where c / (d - 2) noop() }
  rule r11 { select when count 2 (a b) sum(s) or repeat 2 (a b) avg(t) or repeat 2 (a b) min(u) }
  rule r12 { select when a b c re#(.*)# d re#(.*)# where e setting(f, g) before h i where f == g }
  rule r13 { select when a b where (re#c#.d()) or e f where g
    http:post(h) setting(i) }
}
