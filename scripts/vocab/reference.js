// Token ids of the reference: node reference.js MAIN.JS FOLDER.
//
// Reads {"texts": […]} from stdin; writes {"ids": [[…], …], "special": […]}:
// the ids of each text without the tokens that go around it, and those of the
// first text with them.
"use strict";

const fs = require("fs");
const path = require("path");

const [script, folder] = process.argv.slice(2).map((p) => path.resolve(p));
const { TokenizerLoader } = require(script);
const read = (name) => JSON.parse(fs.readFileSync(path.join(folder, name), "utf8"));
const tokenizer = TokenizerLoader.fromPreTrained({
  tokenizerJSON: read("tokenizer.json"),
  tokenizerConfig: read("tokenizer_config.json"),
});
const { texts } = JSON.parse(fs.readFileSync(0, "utf8"));
const ids = texts.map((text) => tokenizer.encode(text, { add_special_tokens: false }));
const special = tokenizer.encode(texts[0]);
process.stdout.write(JSON.stringify({ ids, special }));
