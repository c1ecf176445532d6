package sampling

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// checkEdits compares the row that a sampler draws from with the definition.
func checkEdits(t *testing.T, s *Sampler, q *reference, row []float32) {
	t.Helper()
	var r Row
	if err := r.Read(row); err != nil {
		t.Fatal(err)
	}
	if s.edits == nil {
		t.Fatal("nothing changes the row")
	}
	s.Prepare()
	err := r.edit(s.edits)
	for token, want := range q.edited(row) {
		got := float64(r.logits[token])
		if got != got {
			got = math.Inf(-1)
		}
		if got != want && !(math.Abs(got-want) <= 1e-4*(1+math.Abs(want))) {
			t.Fatalf("%+v after %v: token %d has %v, want %v (%v)", q.steps, q.history, token, got, want, err)
		}
	}
}

// TestPenaltiesEqualCounting moves on token by token.
func TestPenaltiesEqualCounting(t *testing.T) {
	random := rand.New(rand.NewPCG(51, 52))
	for range 100 {
		const vocabulary = 40
		q := &reference{steps: ask.Sampling{
			Penalties: ask.Penalties{
				LastTokens: []int{-1, 1, 3, 10, 1000}[random.IntN(5)],
				Repeat:     []float32{0, 1, 1.3, 0.5}[random.IntN(4)], Presence: random.Float32(), Frequency: random.Float32() - 0.5,
			},
			Bias: []ask.Bias{{Token: 3, Add: 1}, {Token: 5, Add: float32(math.Inf(-1))}, {Token: 3, Add: -0.5}, {Token: 5, Add: 100}},
		}}
		for range random.IntN(30) {
			q.history = append(q.history, ask.Token(random.IntN(vocabulary)))
		}
		s := New(q.steps)
		s.Begin(Sequence{Prompt: q.history})
		for range 30 {
			row := randomRow(random, vocabulary)
			row[7] = 2
			checkEdits(t, s, q, row)
			token := ask.Token(random.IntN(1 + random.IntN(vocabulary)))
			q.history = append(q.history, token)
			s.Accept(token)
		}
	}
}

// FuzzDRY compares what is kept from token to token with looking at all of it.
func FuzzDRY(f *testing.F) {
	f.Add([]byte("abcabcabcxabc"), 5, 2, 0, []byte("x"))
	f.Add([]byte("aaaaaaaaaaaaaaaaaaaaaaaa"), 0, 1, 6, []byte(""))
	f.Add([]byte("abcabdabcabdabcabd"), 9, 0, 4, []byte("b|da|dab"))
	f.Add([]byte("abababababab"), 3, 3, 7, []byte("ba"))
	f.Fuzz(func(t *testing.T, text []byte, prompt, allowed, last int, breakers []byte) {
		text, breakers = text[:min(len(text), 200)], breakers[:min(len(breakers), 20)]
		if last == 0 {
			last = -1
		}
		q := &reference{steps: ask.Sampling{DRY: ask.DRY{Multiplier: 0.8, Base: 1.1, AllowedLength: min(max(allowed, -3), 100), LastTokens: last}}}
		for b := range slices.Values(splitBytes(breakers, '|')) {
			if len(b) > 0 {
				q.breakers = append(q.breakers, tokensOf(b))
			}
		}
		tokens := tokensOf(text)
		prompt = min(max(prompt, 0), len(tokens))
		s := New(q.steps)
		s.Begin(Sequence{Prompt: tokens[:prompt], Breakers: NewBreakers(q.breakers...)})
		row := make([]float32, 32)
		for i := range row {
			row[i] = float32(i)
		}
		for ; prompt < len(tokens); prompt++ {
			q.history = tokens[:prompt]
			checkEdits(t, s, q, row)
			s.Accept(tokens[prompt])
		}
		q.history = tokens
		checkEdits(t, s, q, row)
	})
}

// tokensOf gives few different tokens, so that they repeat.
func tokensOf(text []byte) []ask.Token {
	tokens := make([]ask.Token, len(text))
	for i, c := range text {
		tokens[i] = ask.Token(c % 32)
	}
	return tokens
}

func splitBytes(b []byte, at byte) (parts [][]byte) {
	for {
		i := slices.Index(b, at)
		if i < 0 {
			return append(parts, b)
		}
		parts, b = append(parts, b[:i]), b[i+1:]
	}
}

func TestDRYEqualsLookingAtAll(t *testing.T) {
	random := rand.New(rand.NewPCG(53, 54))
	for range 150 {
		letters := 1 + random.IntN(5)
		q := &reference{steps: ask.Sampling{DRY: ask.DRY{
			Multiplier: 1, Base: 1.2, AllowedLength: random.IntN(4), LastTokens: []int{-1, 1, 5, 20, 1000}[random.IntN(5)],
		}}}
		for range random.IntN(4) {
			var b []ask.Token
			for range 1 + random.IntN(3) {
				b = append(b, ask.Token(random.IntN(letters+1)))
			}
			q.breakers = append(q.breakers, b)
		}
		for range random.IntN(60) {
			q.history = append(q.history, ask.Token(random.IntN(letters)))
		}
		s := New(q.steps)
		s.Begin(Sequence{Prompt: q.history, Breakers: NewBreakers(q.breakers...)})
		for range 60 {
			checkEdits(t, s, q, []float32{1, 2, 3, 4, 5, 6, 7, 8})
			token := ask.Token(random.IntN(letters))
			if n := len(q.history); n > 8 && random.IntN(3) > 0 {
				token = q.history[n-7]
			}
			q.history = append(q.history, token)
			s.Accept(token)
		}
	}
}

// TestNothingAllowed: a bias or a constraint that leaves nothing is an error,
// and the row stays good.
func TestNothingAllowed(t *testing.T) {
	var r Row
	if err := r.Read([]float32{1, 2}); err != nil {
		t.Fatal(err)
	}
	forbidding := ask.Sampling{Bias: []ask.Bias{{Token: 0, Add: negativeInfinity}, {Token: 1, Add: negativeInfinity}}}
	constrained := New(ask.Sampling{})
	constrained.Begin(Sequence{Constraint: &halves{set: []uint64{0}}})
	for _, s := range []*Sampler{New(forbidding), constrained} {
		if _, err := s.Sample(&r); !errors.Is(err, ErrNoneAllowed) {
			t.Errorf("%v", err)
		}
		if chances := s.Chances(nil, &r); len(chances) > 0 {
			t.Errorf("%v", chances)
		}
	}
	if token := sample(t, New(ask.Sampling{}), &r); token != 1 {
		t.Errorf("token %d", token)
	}
}

// halves is a constraint that allows a random half, or set, at each place.
type halves struct {
	set      []uint64
	random   *rand.Rand
	n        int
	asked    int
	accepted []ask.Token
}

func (b *halves) Allowed() []uint64 {
	b.asked++
	if b.set == nil {
		for range (b.n + 63) / 64 {
			b.set = append(b.set, b.random.Uint64()|b.random.Uint64()|b.random.Uint64())
		}
	}
	return b.set
}

func (b *halves) Accept(token ask.Token) {
	if !allows(b.set, token) {
		panic("a token that was not allowed")
	}
	b.accepted, b.set = append(b.accepted, token), nil
}

// TestConstrainedEqualsMasked draws with a constraint what the definition gives
// for the masked row, for every choice of steps, and the same as a sampler that
// is given the masked row.
func TestConstrainedEqualsMasked(t *testing.T) {
	random := rand.New(rand.NewPCG(55, 56))
	var r, masked Row
	for n, steps := range append(slices.Clone(chains), moreChains...) {
		const vocabulary = 900
		form := &halves{random: rand.New(rand.NewPCG(uint64(n), 0)), n: vocabulary}
		s, plain := New(steps), New(steps)
		s.Begin(Sequence{Constraint: form})
		for range 20 {
			row := readRow(random, &r, vocabulary)
			other := slices.Clone(row)
			mask(other, form.Allowed())
			if masked.Read(other) != nil {
				continue
			}
			got, want := s.Chances(nil, &r), plain.Chances(nil, &masked)
			slices.SortFunc(got, byToken)
			slices.SortFunc(want, byToken)
			if !slices.Equal(got, want) {
				t.Fatalf("%+v: chances %v, of the masked row %v", steps, got, want)
			}
			a, b := sample(t, s, &r), sample(t, plain, &masked)
			if a != b {
				t.Fatalf("%+v: drew %d, from the masked row %d", steps, a, b)
			}
			s.Accept(a)
		}
		if len(form.accepted) == 0 {
			t.Errorf("%+v: nothing was accepted", steps)
		}
	}
}

// TestPrepareAsksOnce: what may come next is asked for once a token.
func TestPrepareAsksOnce(t *testing.T) {
	form := &halves{random: rand.New(rand.NewPCG(1, 1)), n: 100}
	s := New(ask.Sampling{Temperature: 1})
	s.Begin(Sequence{Constraint: form})
	var r Row
	for n := 1; n < 5; n++ {
		s.Prepare()
		s.Prepare()
		readRow(rand.New(rand.NewPCG(2, 2)), &r, 100)
		s.Accept(sample(t, s, &r))
		if form.asked != n {
			t.Fatalf("asked %d times for %d tokens", form.asked, n)
		}
	}
}

func TestMinTokens(t *testing.T) {
	ends := []uint64{0b1100}
	row := []float32{0, 1, 9, 8}
	var r Row
	if err := r.Read(row); err != nil {
		t.Fatal(err)
	}
	draw := func(q Sequence) (tokens []ask.Token) {
		s := New(ask.Sampling{})
		s.Begin(q)
		for range 4 {
			tokens = append(tokens, sample(t, s, &r))
			s.Accept(tokens[len(tokens)-1])
		}
		return tokens
	}
	if got := draw(Sequence{Ends: ends, MinTokens: 2}); !slices.Equal(got, []ask.Token{1, 1, 2, 2}) {
		t.Errorf("%v", got)
	}
	// A form that is complete ends sooner.
	if got := draw(Sequence{Ends: ends, MinTokens: 2, Constraint: only{0b1000}}); !slices.Equal(got, []ask.Token{3, 3, 3, 3}) {
		t.Errorf("%v", got)
	}
	if got := draw(Sequence{Ends: ends, MinTokens: 2, Constraint: only{0b1001}}); !slices.Equal(got, []ask.Token{0, 0, 3, 3}) {
		t.Errorf("%v", got)
	}
}

// only is a constraint that always allows the same.
type only []uint64

func (o only) Allowed() []uint64 { return o }
func (only) Accept(ask.Token)    {}

// FuzzSteps draws by any steps from rows of any bits: it finds a token that has
// a chance, or none is allowed.
func FuzzSteps(f *testing.F) {
	f.Add([]byte{0, 0, 128, 63, 0, 0, 192, 127, 0, 0, 128, 255, 9, 9, 9, 9}, uint64(1), float32(1), float32(0.5), float32(0.1), 2)
	f.Add([]byte{255, 255, 127, 127, 255, 255, 127, 255, 1, 0, 0, 128, 7, 7, 7, 7}, uint64(77), float32(2), float32(1e9), float32(-1), 0)
	f.Fuzz(func(t *testing.T, values []byte, seed uint64, a, b, c float32, n int) {
		row := make([]float32, 0, len(values)/4)
		for ; len(values) >= 4; values = values[4:] {
			row = append(row, math.Float32frombits(binary.LittleEndian.Uint32(values)))
		}
		var r Row
		if r.Read(row) != nil {
			return
		}
		random := rand.New(rand.NewPCG(seed, 1))
		pick := func() float32 { return []float32{0, a, b, c}[random.IntN(4)] }
		s := New(ask.Sampling{
			Temperature: pick(), TopK: random.IntN(4) * n, TopP: pick(), MinP: pick(), TypicalP: pick(), TopNSigma: pick(),
			DynatempRange: pick(), DynatempExponent: pick(), XTCProbability: pick(), XTCThreshold: pick(),
			Mirostat: max(random.IntN(6)-3, 0), MirostatTau: pick(), MirostatEta: pick(), MinKeep: random.IntN(3) * n,
			Penalties: ask.Penalties{LastTokens: n, Repeat: pick(), Presence: pick(), Frequency: pick()},
			DRY:       ask.DRY{Multiplier: pick(), Base: pick(), AllowedLength: random.IntN(3), LastTokens: -1},
			Bias:      []ask.Bias{{Token: ask.Token(n), Add: pick()}},
		})
		s.Begin(Sequence{Prompt: []ask.Token{0, 1, 0, 1}, Constraint: only{seed}})
		for range 3 {
			chances := s.Chances(nil, &r)
			token, err := s.Sample(&r)
			if err != nil {
				if len(chances) > 0 {
					t.Fatalf("%v, but %v have chances", err, chances)
				}
				return
			}
			if !slices.ContainsFunc(chances, func(c Chance) bool { return c.Token == token && c.Probability > 0 }) {
				t.Fatalf("drew %d of %v", token, chances)
			}
			s.Accept(token)
		}
	})
}

// TestStepsDoNotAllocate holds once maps and lists have grown.
func TestStepsDoNotAllocate(t *testing.T) {
	random := rand.New(rand.NewPCG(57, 58))
	var r Row
	row := readRow(random, &r, 3000)
	prompt := make([]ask.Token, 300)
	for i := range prompt {
		prompt[i] = ask.Token(i % 50)
	}
	samplers := make([]*Sampler, len(moreChains))
	for i, steps := range moreChains {
		steps.Penalties = ask.Penalties{LastTokens: 64, Repeat: 1.1}
		steps.DRY = ask.DRY{Multiplier: 1, Base: 1.5, AllowedLength: 2, LastTokens: -1}
		samplers[i] = New(steps)
		samplers[i].Begin(Sequence{Prompt: prompt, Breakers: NewBreakers([]ask.Token{70}), Constraint: only{^uint64(0)}})
	}
	next := 0
	step := func() {
		for _, s := range samplers {
			if _, err := s.Next(&r, row); err != nil {
				t.Fatal(err)
			}
			s.Accept(ask.Token(next % 50)) // not what was drawn: tokens that are known
		}
		next++
	}
	for range 100 {
		step()
	}
	if n := testing.AllocsPerRun(20, step); n > 0 {
		t.Errorf("%v allocations a row", n)
	}
}
