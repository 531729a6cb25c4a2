ruleset io.stratus.calendar {
  meta {
    name "Calendar"
    description <<
      The owner's calendar, as loaded from an iCalendar file. Other rulesets of the PEN use it as a
      module and ask what is in progress.
    >>
    provides in_progress, marked
    shares in_progress, marked, entries
  }

  global {
    entries = function() { ent:entries.defaultsTo([]) }
    in_progress = function(at) { calendar:in_progress(entries(), at.defaultsTo(time:now())) }

    // Marked means: has it as a category, or says it in the title.
    marked = function(mark, at) {
      in_progress(at).filter(function(entry) {
        entry{"categories"}.defaultsTo([]).map(function(name) { name.lc() }) >< mark
          || entry{"summary"}.defaultsTo("").lc().contains(mark)
      })
    }
  }

  rule load {
    select when calendar loaded
    always {
      ent:entries := event:attrs{"events"}
    }
  }
}
