// Reads the KRL text named on the command line with npm krl-parser, and compiles it with npm
// krl-compiler, which reads it first; prints the medians of warm runs, in milliseconds of CPU and of the clock.
const { readFileSync } = require("fs");
const parse = require("krl-parser");
const compile = require("krl-compiler");

const WARM = 5;
const RUNS = 9;

function median(numbers) {
  return numbers.sort((one, two) => one - two)[Math.floor(numbers.length / 2)];
}

function measure(work) {
  for (let i = 0; i < WARM; i++) work();
  const cpu = [];
  const wall = [];
  for (let i = 0; i < RUNS; i++) {
    const begin = process.cpuUsage();
    const start = process.hrtime.bigint();
    work();
    wall.push(Number(process.hrtime.bigint() - start) / 1e6);
    const { user, system } = process.cpuUsage(begin);
    cpu.push((user + system) / 1e3);
  }
  return { cpu: median(cpu), wall: median(wall) };
}

const text = readFileSync(process.argv[2], "utf8");
console.log(
  JSON.stringify({
    parse: measure(() => parse(text)),
    compile: measure(() => compile(text)),
  })
);
