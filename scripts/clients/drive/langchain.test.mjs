// npm's @langchain/openai.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';

import { AIMessageChunk, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { z } from 'zod';

import { all, atRest, calls, fits, frees, random, remark, said, scripted, verdict, weather } from './servers.mjs';

const where = (server) => ({ apiKey: server.key, configuration: { baseURL: `${server.url}/v1` }, model: server.model, temperature: 0, maxRetries: 0 });
const nonsense = (more) => new ChatOpenAI({ ...where(random), maxTokens: 24, ...more });
const actor = (more) => new ChatOpenAI({ ...where(scripted), ...more });

after(() => Promise.all([atRest(random), atRest(scripted)]));

const question = [new SystemMessage('Be brief.'), new HumanMessage('Tell me about rivers.')];
const taken = z.object({ city: z.enum(weather.schema.properties.city.enum), days: z.number().int().min(1).max(9) });
const toolOf = (schema, run = () => 'rain') => tool(run, { name: weather.name, description: weather.description, schema });

// concat puts a stream together as langchain does.
const concat = (chunks) => chunks.reduce((sum, chunk) => sum.concat(chunk), new AIMessageChunk(''));

test('an answer is the same whole and in pieces', async () => {
  for (const useResponsesApi of [false, true]) {
    const model = nonsense({ useResponsesApi });
    const whole = await model.invoke(question);
    assert.ok(whole.text.length > 0);
    const { input_tokens, output_tokens, total_tokens } = whole.usage_metadata;
    assert.equal(total_tokens, input_tokens + output_tokens);
    const streamed = concat(await all(await model.stream(question)));
    assert.equal(streamed.text, whole.text);
    assert.equal(streamed.usage_metadata.total_tokens, total_tokens);
  }
});

test('several questions at once', async () => {
  const answers = await actor().batch([[new HumanMessage('a')], [new HumanMessage('b')], [new HumanMessage('c')]]);
  assert.deepEqual(answers.map((a) => a.text), [said, said, said]);
});

test('a call that must be made', async () => {
  for (const tool_choice of ['any', 'weather']) {
    const model = nonsense({ maxTokens: 200 }).bindTools([toolOf(taken)], { tool_choice, strict: true });
    const { tool_calls } = await model.invoke(question);
    assert.ok(tool_calls.length > 0);
    for (const call of tool_calls) fits(call.args);
    const streamed = concat(await all(await model.stream(question)));
    assert.deepEqual(streamed.tool_calls.map((c) => c.args), tool_calls.map((c) => c.args));
  }
});

test('tools are run, and the conversation goes on', async () => {
  for (const useResponsesApi of [false, true]) {
    const asked = [];
    const rain = toolOf(z.object({ city: z.string(), days: z.number() }), (args) => (asked.push(args), 'rain'));
    const model = actor({ useResponsesApi }).bindTools([rain]);
    const messages = [new HumanMessage('Rain?')];
    const called = await model.invoke(messages);
    assert.equal(called.text, remark);
    assert.deepEqual(called.tool_calls.map((c) => c.args), calls);
    const streamed = concat(await all(await model.stream(messages)));
    assert.deepEqual(streamed.tool_calls.map((c) => [c.name, c.args]), called.tool_calls.map((c) => [c.name, c.args]));
    assert.equal(streamed.text, remark);
    messages.push(called);
    for (const call of called.tool_calls) messages.push(await rain.invoke(call));
    assert.ok(messages.at(-1) instanceof ToolMessage);
    assert.equal((await model.invoke(messages)).text, verdict);
    assert.deepEqual(asked, calls);
  }
});

test('answers of a form', async () => {
  for (const method of ['jsonSchema', 'functionCalling']) {
    const model = nonsense({ maxTokens: 200 }).withStructuredOutput(taken, { method, name: 'weather', strict: true, includeRaw: true });
    const { parsed, raw } = await model.invoke(question);
    fits(parsed);
    assert.ok(raw.usage_metadata.output_tokens > 0);
  }
});

test('completions', async () => {
  const model = new OpenAI({ ...where(random), maxTokens: 16 });
  const whole = await model.invoke('Once upon a time');
  assert.ok(whole.length > 0);
  assert.equal((await all(await model.stream('Once upon a time'))).join(''), whole);
});

test('embeddings', async () => {
  const model = new OpenAIEmbeddings(where(random));
  const [one, two, again] = await model.embedDocuments(['one', 'two words', 'one']);
  const close = (a, b) => a.every((x, i) => Math.abs(x - b[i]) < 1e-5);
  assert.ok(close(one, again) && !close(one, two));
  assert.ok(close(await model.embedQuery('two words'), two));
});

test('who leaves a stream frees what it held', async () => {
  await frees(random, 1, async () => {
    for await (const chunk of await nonsense({ maxTokens: 1900 }).stream(question)) if (chunk.text) break;
  });
});

test('failures say what they are', async () => {
  const fails = (promise, status, code) =>
    assert.rejects(promise, (e) => {
      assert.deepEqual([e.status, e.code], [status, code], `${e}`);
      return true;
    });
  await fails(nonsense({ apiKey: 'wrong' }).invoke(question), 401, 'invalid_api_key');
  await fails(nonsense({ model: 'other' }).invoke(question), 404, 'model_not_found');
  await fails(nonsense().invoke('long '.repeat(3000)), 400, 'context_length_exceeded');
});
