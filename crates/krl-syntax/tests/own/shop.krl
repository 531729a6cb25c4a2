// A shop's pages, as they were ruled in 2011.
ruleset 4711 {
  meta {
    name "shop"
    author 'a shopkeeper'
    description <<
      What 'shop' does.
    >>
    logging on
    sharing on
    authz require user
    key weather "0123"
    key sms {"user": "u", "token": 'it\'s'}
    errors to a16x2 version "dev"
    use css resource "http://example.org/shop.css"
    use javascript resource jquery_ui
    use module a16x9 version "prod" alias prices with currency = "EUR" and tax = 19
    provides price, stock
    provides keys sms to a16x7, a16x8
    configure using colour = "red" and size = 3
  }
  dispatch {
    domain "example.org"
    domain "shop.example.org" -> "4712"
    iframe "advertisement"
  }
  global {
    dataset wares <- "http://example.org/wares.json" cachable for 3 hours;
    datasource search:HTML <- "http://example.org/search?" cachable;
    css <<
      .ware { color: green }
    >>
    emit <| var shop = {}; |>;
    banner = <<<p>Today #{wares.pick("$..today")}</p> >>;
    script = <| function f(a) { return a > 1 || "#{net}"; } |>;
    price = function(ware) {
      net = wares{ware};
      net * (100 + 19) / 100
    };
    tell = defaction(who, what) {
      configure using loud = false and title = "Shop"
      text = "#{who}: #{what}";
      notify(title, text) with sticky = loud and opacity = 0.5;
    };
  }
  rule entrance is test {
    select using "/shop/(\w+)/" setting(department)
    foreach wares.pick("$..#{department}") setting (ware)
    pre {
      visits = ent:visits;
      last_place = history 1 ent:places;
      here = current ent:places;
      cheap = ware{'price'} eq "0" || visits neq 3;
    }
    emit <<
      $K("#shop").hide();
    >>
    if ent:visits > 3 within 2 days && seen "/shop" in ent:places within 1 week then {
      tell("you", "welcome back");
      emit <<shop.open()>>;
      label => replace_inner("#top", banner) with delay = 3;
    }
    callbacks {
      success {
        click id = "buy" triggers ent:bought += 1 from 1;
        change class = "amount"
      }
      failure { click id = "close" triggers clear ent:visits; }
    }
    fired {
      ent:visits += 1 from 1;
      mark ent:places with "/shop";
      set ent:known;
      set ent:names{department} ware;
      forget "/old" in ent:places;
      raise explicit event shown for a16x7 with ware = ware and _api = "sky" on final;
      log "shown " + ware
    } else {
      ent:visits -= 1 from 0;
      error "not shown" if seen "/a" before "/b" in ent:places;
      last
    }
  }
  rule mail {
    select when mail received from "(.*)@example.org" subject #order (\d+)#i setting(name, order)
      before (web submit "#form" on "/cart/" setting(form) or click ".ware") within 3 hours
    choose {
      tell(name, "first")
      tell(name, "second");
    }
  }
  rule noon {
    select when at("12:00") or pageview url re/lunch\/menu/ where url.match(#menu#) and explicit hungry
    noop();
    notify("Lunch", {title: 'now'});
  }
  rule 5 is inactive {
    select when any 2 (pageview "a", web pageview "b", (c d within 5 seconds)) 
    {
      noop();
    }
    notfired { set ent:flag if not ent:flag; }
  }
}
