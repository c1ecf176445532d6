// npm's ai, with @ai-sdk/openai-compatible.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';

import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, embed, embedMany, generateObject, generateText, isStepCount, jsonSchema, Output, streamObject, streamText, tool } from 'ai';
import { z } from 'zod';

import { all, atRest, calls, fits, frees, random, remark, said, scripted, thought, verdict, weather } from './servers.mjs';

const providerOf = (server, key = server.key) =>
  createOpenAICompatible({ name: 'weir', baseURL: `${server.url}/v1`, apiKey: key, includeUsage: true, supportsStructuredOutputs: true });
const nonsense = providerOf(random)('tiny');
const actor = providerOf(scripted)('scripted');

globalThis.AI_SDK_LOG_WARNINGS = false;

after(() => Promise.all([atRest(random), atRest(scripted)]));

const ask = { model: nonsense, prompt: 'Tell me about rivers.', temperature: 0, maxOutputTokens: 24, maxRetries: 0 };
const rain = { model: actor, prompt: 'Rain?', temperature: 0, maxRetries: 0 };
const described = { description: weather.description, inputSchema: jsonSchema(weather.schema) };

test('a text is the same whole and in pieces', async () => {
  const whole = await generateText(ask);
  assert.ok(whole.text.length > 0);
  assert.equal(whole.finishReason, 'length');
  assert.equal(whole.response.modelId, 'tiny');
  assert.equal(whole.usage.totalTokens, whole.usage.inputTokens + whole.usage.outputTokens);
  const stream = streamText(ask);
  assert.equal((await all(stream.textStream)).join(''), whole.text);
  assert.equal(await stream.finishReason, whole.finishReason);
  const { inputTokens, outputTokens } = await stream.usage;
  assert.deepEqual([inputTokens, outputTokens], [whole.usage.inputTokens, whole.usage.outputTokens]);
});

test('a call that must be made', async () => {
  for (const toolChoice of ['required', { type: 'tool', toolName: 'weather' }]) {
    const params = { ...ask, maxOutputTokens: 200, tools: { weather: tool(described) }, toolChoice };
    const { toolCalls } = await generateText(params);
    assert.ok(toolCalls.length > 0);
    for (const call of toolCalls) {
      assert.equal(call.toolName, 'weather');
      fits(call.input);
    }
    const streamed = await streamText(params).toolCalls;
    assert.deepEqual(streamed.map((c) => c.input), toolCalls.map((c) => c.input));
  }
});

test('tools are run, and the conversation goes on', async () => {
  for (const run of [generateText, streamText]) {
    const asked = [];
    const execute = (input) => (asked.push(input), 'rain');
    const result = await run({ ...rain, tools: { weather: tool({ ...described, execute }) }, stopWhen: isStepCount(3) });
    const steps = await result.steps;
    assert.equal(await result.text, verdict);
    assert.deepEqual(asked, calls);
    assert.deepEqual(steps.map((s) => [s.text, s.finishReason]), [[remark, 'tool-calls'], [verdict, 'stop']]);
    assert.deepEqual(steps[0].toolResults.map((r) => r.toolCallId), steps[0].toolCalls.map((c) => c.toolCallId));
  }
});

test('a thought is told apart', async () => {
  const params = { ...rain, providerOptions: { weir: { chat_template_kwargs: { enable_thinking: true } } } };
  const whole = await generateText(params);
  assert.deepEqual([whole.reasoningText.trim(), whole.text], [thought, said]);
  const stream = streamText(params);
  assert.equal(await stream.text, whole.text);
  assert.equal(await stream.reasoningText, whole.reasoningText);
});

const form = z.object({ city: z.enum(['Köln', 'Ulm']), days: z.array(z.number().int().min(0).max(9)).max(2), dry: z.boolean() });

test('an object of a schema', async () => {
  const params = { ...ask, maxOutputTokens: 200, schema: form };
  const { object } = await generateObject(params);
  form.parse(object);
  const stream = streamObject(params);
  const partial = await all(stream.partialObjectStream);
  assert.deepEqual(partial.at(-1), object);
  assert.deepEqual(await stream.object, object);
  const { output } = await generateText({ ...ask, maxOutputTokens: 200, output: Output.object({ schema: form }) });
  assert.deepEqual(output, object);
});

test('embeddings', async () => {
  const model = providerOf(random).embeddingModel('tiny');
  const values = ['one', 'two words', 'one'];
  const { embeddings, usage } = await embedMany({ model, values });
  assert.equal(embeddings.length, 3);
  assert.ok(usage.tokens > 0);
  const { embedding } = await embed({ model, value: values[1] });
  assert.equal(embedding.length, embeddings[0].length);
  assert.ok(embedding.every((x, i) => Math.abs(x - embeddings[1][i]) < 1e-5));
});

test('completions', async () => {
  const params = { ...ask, model: providerOf(random).completionModel('tiny') };
  const whole = await generateText(params);
  assert.ok(whole.text.length > 0);
  assert.equal(await streamText(params).text, whole.text);
});

test('who leaves a stream frees what it held', async () => {
  await frees(random, 1, async () => {
    const leaving = new AbortController();
    const stream = streamText({ ...ask, maxOutputTokens: 1900, abortSignal: leaving.signal, onError: () => {} });
    for await (const text of stream.textStream) if (text) leaving.abort();
    assert.ok(leaving.signal.aborted);
  });
});

test('failures say what they are', async () => {
  const fails = (promise, status, words) =>
    assert.rejects(promise, (e) => {
      assert.ok(APICallError.isInstance(e), `${e}`);
      assert.equal(e.statusCode, status);
      assert.match(e.message, words);
      return true;
    });
  await fails(generateText({ ...ask, model: providerOf(random, 'wrong')('tiny') }), 401, /key/);
  await fails(generateText({ ...ask, model: providerOf(random)('other') }), 404, /other/);
  await fails(generateText({ ...ask, prompt: 'long '.repeat(3000) }), 400, /tokens/);
});
