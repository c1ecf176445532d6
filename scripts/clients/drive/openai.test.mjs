// npm's openai: models, chat, completions and embeddings.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';

import OpenAI from 'openai';
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';

import { all, atRest, calls, fits, frees, random, remark, said, scripted, thought, verdict, weather } from './servers.mjs';

const clientOf = (server, more) => new OpenAI({ baseURL: `${server.url}/v1`, apiKey: server.key, maxRetries: 0, ...more });
const client = clientOf(random);
const actor = clientOf(scripted);

after(() => Promise.all([atRest(random), atRest(scripted)]));

const ask = { model: 'tiny', messages: [{ role: 'user', content: 'Tell me about rivers.' }], temperature: 0, max_tokens: 24 };
const tools = [{ type: 'function', function: { name: weather.name, description: weather.description, parameters: weather.schema, strict: true } }];
const rain = { model: 'scripted', messages: [{ role: 'user', content: 'Rain?' }], tools, temperature: 0 };

// usage adds up, and says as many tokens as were allowed at most.
function adds(usage, most) {
  assert.ok(usage.prompt_tokens > 0);
  assert.ok(usage.completion_tokens > 0 && usage.completion_tokens <= most, JSON.stringify(usage));
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
}

test('models', async () => {
  const models = await all(client.models.list());
  assert.deepEqual(models.map((m) => [m.id, m.object]), [['tiny', 'model']]);
  assert.deepEqual(await client.models.retrieve('tiny'), models[0]);
});

test('a chat says the same whole and in pieces', async () => {
  const whole = await client.chat.completions.create(ask);
  assert.equal(whole.object, 'chat.completion');
  assert.equal(whole.model, 'tiny');
  assert.match(whole.id, /^chatcmpl-/);
  assert.equal(whole.choices.length, 1);
  assert.equal(whole.choices[0].message.role, 'assistant');
  adds(whole.usage, 24);

  const chunks = await all(await client.chat.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } }));
  const text = chunks.map((c) => c.choices[0]?.delta.content ?? '').join('');
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(new Set(chunks.map((c) => c.id)).size, 1);
  assert.ok(chunks.every((c) => c.object === 'chat.completion.chunk' && c.created === chunks[0].created));
  const reasons = chunks.map((c) => c.choices[0]?.finish_reason).filter(Boolean);
  assert.deepEqual(reasons, [whole.choices[0].finish_reason]);
  assert.deepEqual(chunks.filter((c) => c.usage).map((c) => [c.choices.length, c.usage.total_tokens]), [[0, whole.usage.total_tokens]]);
});

test('its own accumulator makes of a stream what comes whole', async () => {
  const whole = await client.chat.completions.create(ask);
  const deltas = [];
  const stream = client.chat.completions.stream({ ...ask, stream_options: { include_usage: true } }).on('content', (delta) => deltas.push(delta));
  const final = await stream.finalChatCompletion();
  assert.equal(final.choices[0].message.content, whole.choices[0].message.content);
  assert.equal(deltas.join(''), whole.choices[0].message.content);
  assert.equal(final.choices[0].finish_reason, whole.choices[0].finish_reason);
  assert.deepEqual(await stream.totalUsage(), whole.usage);
});

test('several answers of one prompt', async () => {
  const several = { ...ask, n: 3, temperature: 1, seed: 7 };
  const whole = await client.chat.completions.create(several);
  assert.deepEqual(whole.choices.map((c) => c.index).sort(), [0, 1, 2]);
  assert.ok(whole.usage.completion_tokens <= 3 * 24);
  const texts = ['', '', ''];
  for await (const chunk of await client.chat.completions.create({ ...several, stream: true })) {
    for (const choice of chunk.choices) texts[choice.index] += choice.delta.content ?? '';
  }
  for (const choice of whole.choices) assert.equal(texts[choice.index], choice.message.content);
  assert.ok(new Set(texts).size > 1, 'all answers are the same');
});

test('log-probabilities', async () => {
  const whole = await client.chat.completions.create({ ...ask, max_tokens: 5, logprobs: true, top_logprobs: 3 });
  const entries = whole.choices[0].logprobs.content;
  assert.equal(entries.length, whole.usage.completion_tokens);
  for (const entry of entries) {
    assert.equal(entry.top_logprobs.length, 3);
    assert.equal(entry.top_logprobs[0].token, entry.token); // temperature 0
    assert.ok(entry.logprob <= 0 && entry.logprob === entry.top_logprobs[0].logprob);
  }
  const bytes = entries.flatMap((entry) => entry.bytes);
  assert.ok(Buffer.from(bytes).toString().startsWith(whole.choices[0].message.content));
  const stream = client.chat.completions.stream({ ...ask, max_tokens: 5, logprobs: true, top_logprobs: 3 });
  assert.deepEqual((await stream.finalChatCompletion()).choices[0].logprobs.content, entries);
});

test('stop, and too few tokens', async () => {
  const { choices: [{ message, finish_reason: length }] } = await client.chat.completions.create(ask);
  assert.equal(length, 'length');
  const stop = message.content.slice(4, 8);
  const { choices: [stopped] } = await client.chat.completions.create({ ...ask, stop: [stop] });
  assert.equal(stopped.finish_reason, 'stop');
  assert.equal(stopped.message.content, message.content.slice(0, message.content.indexOf(stop)));
});

test('a form that zod knows', async () => {
  const form = z.object({ city: z.enum(['Köln', 'Ulm']), days: z.array(z.number().int().min(0).max(9)).max(2), dry: z.boolean().nullable() });
  const params = { ...ask, max_tokens: 200, response_format: zodResponseFormat(form, 'weather') };
  const whole = await client.chat.completions.parse(params);
  form.parse(whole.choices[0].message.parsed);
  assert.deepEqual(JSON.parse(whole.choices[0].message.content), whole.choices[0].message.parsed);
  const stream = client.chat.completions.stream(params);
  assert.deepEqual((await stream.finalChatCompletion()).choices[0].message.parsed, whole.choices[0].message.parsed);
});

test('a call that must be made', async () => {
  for (const tool_choice of ['required', { type: 'function', function: { name: 'weather' } }]) {
    const params = { ...ask, max_tokens: 200, tools, tool_choice, parallel_tool_calls: false };
    const whole = await client.chat.completions.create(params);
    const [call, ...more] = whole.choices[0].message.tool_calls;
    assert.deepEqual([call.type, call.function.name, more.length], ['function', 'weather', 0]);
    fits(JSON.parse(call.function.arguments));
    const final = await client.chat.completions.stream(params).finalChatCompletion();
    const [streamed] = final.choices[0].message.tool_calls;
    assert.equal(streamed.function.arguments, call.function.arguments);
    assert.notEqual(streamed.id, call.id);
    assert.equal(final.choices[0].finish_reason, whole.choices[0].finish_reason);
  }
});

test('a call of a tool that zod knows', async () => {
  const parameters = z.object({ city: z.enum(['Köln', 'Ulm']), days: z.number().int().min(1).max(9) });
  const tool = zodFunction({ name: 'weather', parameters });
  const whole = await client.chat.completions.parse({ ...ask, max_tokens: 200, tools: [tool], tool_choice: 'required' });
  for (const call of whole.choices[0].message.tool_calls) parameters.parse(call.function.parsed_arguments);
});

test('calls that a model makes by itself', async () => {
  const whole = await actor.chat.completions.create(rain);
  const { message, finish_reason } = whole.choices[0];
  assert.equal(finish_reason, 'tool_calls');
  assert.equal(message.content, remark);
  assert.deepEqual(message.tool_calls.map((c) => JSON.parse(c.function.arguments)), calls);
  assert.equal(new Set(message.tool_calls.map((c) => c.id)).size, 2);

  const pieces = [];
  const stream = actor.chat.completions.stream({ ...rain, stream_options: { include_usage: true } });
  stream.on('tool_calls.function.arguments.delta', (e) => (pieces[e.index] = (pieces[e.index] ?? '') + e.arguments_delta));
  const final = await stream.finalChatCompletion();
  const strip = (m) => m.tool_calls.map((c) => [c.type, c.function.name, c.function.arguments]);
  assert.deepEqual(strip(final.choices[0].message), strip(message));
  assert.deepEqual(pieces, message.tool_calls.map((c) => c.function.arguments));
  assert.equal(final.choices[0].message.content, remark);
  assert.equal(final.choices[0].finish_reason, 'tool_calls');
  assert.equal(final.usage.total_tokens, whole.usage.total_tokens);
});

test('tools are run, and the conversation goes on', async () => {
  for (const stream of [false, true]) {
    const asked = [];
    const runnable = { type: 'function', function: { ...tools[0].function, parse: JSON.parse, function: (args) => (asked.push(args), 'rain') } };
    const runner = actor.chat.completions.runTools({ ...rain, tools: [runnable], stream });
    assert.equal(await runner.finalContent(), verdict);
    assert.deepEqual(asked, calls);
    assert.deepEqual(runner.messages.map((m) => m.role), ['user', 'assistant', 'tool', 'tool', 'assistant']);
    const [, called, ...results] = runner.messages;
    assert.deepEqual(results.slice(0, 2).map((m) => m.tool_call_id), called.tool_calls.map((c) => c.id));
  }
});

test('a thought is told apart', async () => {
  const params = { model: 'scripted', messages: rain.messages, temperature: 0, chat_template_kwargs: { enable_thinking: true } };
  const { choices: [{ message }], usage } = await actor.chat.completions.create(params);
  assert.deepEqual([message.reasoning_content.trim(), message.content], [thought, said]);
  assert.ok(usage.completion_tokens_details.reasoning_tokens > 0);
  let [reasoning, content] = ['', ''];
  for await (const { choices: [{ delta }] } of await actor.chat.completions.create({ ...params, stream: true })) {
    reasoning += delta.reasoning_content ?? '';
    content += delta.content ?? '';
  }
  assert.deepEqual([reasoning, content], [message.reasoning_content, message.content]);
});

test('completions', async () => {
  const params = { model: 'tiny', prompt: 'Once upon a time', temperature: 0, max_tokens: 16 };
  const whole = await client.completions.create(params);
  assert.equal(whole.object, 'text_completion');
  adds(whole.usage, 16);
  const chunks = await all(await client.completions.create({ ...params, stream: true }));
  assert.equal(chunks.map((c) => c.choices[0].text).join(''), whole.choices[0].text);
  assert.equal(chunks.at(-1).choices[0].finish_reason, whole.choices[0].finish_reason);
  const two = await client.completions.create({ ...params, prompt: [params.prompt, 'Else'], echo: true, logprobs: 2 });
  assert.equal(two.choices[0].text, params.prompt + whole.choices[0].text);
  assert.ok(two.choices[1].text.startsWith('Else'));
  const { tokens, text_offset: offsets, token_logprobs: logprobs } = two.choices[0].logprobs;
  assert.deepEqual([offsets.length, logprobs.length], [tokens.length, tokens.length]);
});

test('embeddings', async () => {
  const input = ['one', 'two words', 'one'];
  const numbers = await client.embeddings.create({ model: 'tiny', input, encoding_format: 'float' });
  assert.deepEqual(numbers.data.map((d) => d.index), [0, 1, 2]);
  const [one, two, again] = numbers.data.map((d) => d.embedding);
  assert.equal(one.length, two.length);
  const close = (a, b) => a.every((x, i) => Math.abs(x - b[i]) < 1e-5);
  assert.ok(close(one, again) && !close(one, two));
  assert.ok(Math.abs(Math.hypot(...one) - 1) < 1e-4);
  assert.equal(numbers.usage.total_tokens, numbers.usage.prompt_tokens);
  const encoded = await client.embeddings.create({ model: 'tiny', input }); // as base64, which it decodes
  assert.ok(encoded.data.every((d, i) => close(d.embedding, numbers.data[i].embedding)));
});

test('who leaves a stream frees what it held', async () => {
  const endless = { ...ask, max_tokens: 1900, ignore_eos: true, stream: true };
  await frees(random, 2, async () => {
    for await (const chunk of await client.chat.completions.create(endless)) {
      if (chunk.choices[0].delta.content) break;
    }
    const stream = client.chat.completions.stream(endless);
    stream.once('content', () => stream.abort());
    await assert.rejects(stream.done(), OpenAI.APIUserAbortError);
  });
});

test('failures are of the right kind', async () => {
  const fails = (promise, kind, status, code) =>
    assert.rejects(promise, (e) => {
      assert.ok(e instanceof kind, `${e?.constructor?.name}: ${e}`);
      assert.deepEqual([e.status, e.code], [status, code]);
      assert.ok(e.error.message.length > 0);
      return true;
    });
  await fails(clientOf(random, { apiKey: 'wrong' }).models.list(), OpenAI.AuthenticationError, 401, 'invalid_api_key');
  await fails(client.models.retrieve('other'), OpenAI.NotFoundError, 404, 'model_not_found');
  await fails(client.chat.completions.create({ ...ask, model: 'other' }), OpenAI.NotFoundError, 404, 'model_not_found');
  await fails(client.chat.completions.create({ ...ask, model: 'other', stream: true }), OpenAI.NotFoundError, 404, 'model_not_found');
  const long = [{ role: 'user', content: 'long '.repeat(3000) }];
  await fails(client.chat.completions.create({ ...ask, messages: long }), OpenAI.BadRequestError, 400, 'context_length_exceeded');
  await assert.rejects(client.chat.completions.create({ ...ask, temperature: -1 }), (e) => {
    assert.ok(e instanceof OpenAI.BadRequestError);
    assert.equal(e.param, 'temperature');
    return true;
  });
  await assert.rejects(client.images.generate({ prompt: 'x' }), OpenAI.InternalServerError);
});
