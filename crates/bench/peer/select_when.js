// The same work done by npm select-when; prints CPU microseconds.
const { SelectWhen, e, and, any } = require("select-when");

function cpu(since) {
  const { user, system } = process.cpuUsage(since);
  return user + system;
}

// Microseconds of CPU for one event.
async function perEvent(rules, events, event) {
  for (let i = 0; i < 200; i++) await rules.send(event(i));
  const begin = process.cpuUsage();
  for (let i = 0; i < events; i++) await rules.send(event(i));
  return cpu(begin) / events;
}

function silent(count) {
  const rules = new SelectWhen();
  rules.when(e("t:a"), () => {});
  for (let i = 0; i < count; i++) rules.when(e(`d${i % 1000}:k${i}`), () => {});
  return rules;
}

function filtered(count) {
  const rules = new SelectWhen();
  for (let i = 0; i < count; i++) {
    const pattern = new RegExp(`^item ${i}: `);
    const matcher = (event, state) => ({ match: pattern.test(event.data.n), state });
    rules.when(e("t:a", matcher), () => {});
  }
  return rules;
}

function compile(make) {
  const begin = process.cpuUsage();
  make();
  return cpu(begin);
}

async function main() {
  const parts = [..."abcdef"].map((kind) => e(`t:${kind}`));
  const event = (i) => ({ domain: "t", name: "a", data: { n: `item ${i % 1000}: x` } });
  const figures = {
    select_1_rule_us: await perEvent(silent(0), 20000, event),
    select_10k_silent_us: await perEvent(silent(10000), 20000, event),
    select_1k_regex_us: await perEvent(filtered(1000), 20, event),
    compile_and_6_us: compile(() => and(...parts)),
    compile_any_3_of_6_us: compile(() => any(3, ...parts)),
  };
  console.log(JSON.stringify(figures));
}

main();
