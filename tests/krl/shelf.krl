// Uses what the node brings: items, profile and settings of the PEN.
ruleset io.example.shelf {
  meta {
    use module io.picolabs.pds alias pds
    shares item, me
  }
  global {
    item = function(namespace, key) {
      pds:items(namespace, key)
    }
    me = function(key) {
      pds:profile(key)
    }
  }
}
