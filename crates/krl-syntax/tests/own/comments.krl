
// Where a comment may stand.
/* Above. */ ruleset org.example.comments { // beside
  /* meta */ meta { name /* between */ "comments" // after
    // last in meta
  }
  global {
    // first
    list = [ // opened
      1, // one
      2 /* two */, /* three */ 3
      // last in a list
    ] // closed
    f = function(a /* a */, b) { // a body
      // before the result
      a /* plus */ + // at the end
        b
      ; // after a separator
    }


    // two blank lines above
    url = "http://example.org/" // not in the string
    text = <<
      // no comment
      #{f(1, /* inside */ 2)} /* none */
    >>
  }
  rule r { // rule
    select when /* an event */ a b // event
      where /* c */ true
    // before the actions
    if true // condition
    then // then
      noop() // action
    fired { // fired
    } // between the branches
    else { /* nothing */ }
  } // end of rule
} // end
// after all
