// Answers on stdout, one line of JSON for each line of JSON on stdin: {"data"} -> {"ok", "vars"}.
const dotenv = require('dotenv')
const say = (value) => process.stdout.write(JSON.stringify(value) + '\n')
say({ version: require('dotenv/package.json').version })
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const found = dotenv.parse(Buffer.from(JSON.parse(line).data, 'base64'))
  const coded = Object.entries(found).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
  say({ ok: true, vars: Object.fromEntries(coded) })
})
