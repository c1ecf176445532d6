package llama_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/gguf/seeded"
)

// fixedTokens is how long the longest text of a test is: flash attention shares keys out to
// threads from 512 on, where a row is alone.
const fixedTokens = 560

// schedule is a context of a fixed shape in which texts are computed in some order.
type schedule struct {
	t       *testing.T
	name    string
	c       engine.Context
	random  *rand.Rand
	texts   [][]engine.Token
	want    [][][]float32 // logits of each text after each token, of it alone; nil: not computed
	text    []int         // of each sequence
	cached  []int
	batch   *engine.Batch
	checked int
}

func newSchedule(t *testing.T, name string, m engine.Model, texts [][]engine.Token, want [][][]float32, cfg engine.ContextConfig, seed uint64) *schedule {
	cfg.FixedShape = true
	cfg.ContextTokens = cfg.MaxSequences * 768
	c := newContext(t, m, cfg)
	return &schedule{
		t: t, name: name, c: c, random: rand.New(rand.NewPCG(seed, 1)), texts: texts, want: want,
		text: make([]int, cfg.MaxSequences), cached: make([]int, cfg.MaxSequences), batch: engine.NewBatch(c.Limits().BatchTokens),
	}
}

// add has the next n tokens of a sequence in the next batch, some with logits.
func (s *schedule) add(seq, n int) {
	text := s.texts[s.text[seq]]
	for at := s.cached[seq]; at < s.cached[seq]+n; at++ {
		s.batch.Add(text[at], at, engine.SequenceID(seq), s.random.IntN(3) == 0 || at == s.cached[seq]+n-1)
	}
	s.cached[seq] += n
}

// decode computes the batch and compares all bits of what it gives.
func (s *schedule) decode() {
	s.t.Helper()
	if s.batch.Len() == 0 {
		return
	}
	if err := s.c.Decode(s.batch); err != nil {
		s.t.Fatal(s.name, err)
	}
	for row, wanted := range s.batch.Logits {
		logits, err := s.c.Logits(row)
		if !wanted {
			if err == nil {
				s.t.Fatalf("%s: row %d was decoded without logits and has some", s.name, row)
			}
			continue
		}
		if err != nil {
			s.t.Fatal(s.name, err)
		}
		text, at := s.text[s.batch.Sequences[row]], s.batch.Positions[row]
		if want := s.want[text][at]; want == nil {
			s.want[text][at] = slices.Clone(logits)
		} else if i := otherBits(logits, want); i >= 0 {
			s.t.Fatalf("%s: text %d, token %d: logit %d is %v, alone %v", s.name, text, at, i, logits[i], want[i])
		}
		s.checked++
	}
	s.batch.Reset()
}

// otherBits is the first place where two slices differ, or -1.
func otherBits(a, b []float32) int {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return i
		}
	}
	return -1
}

// act does something with a sequence, or lets some go on.
func (s *schedule) act() {
	seq := s.random.IntN(len(s.text))
	switch s.random.IntN(8) {
	case 0: // another text, or the same once more
		s.c.RemoveSequence(engine.SequenceID(seq), 0, -1)
		s.text[seq], s.cached[seq] = s.random.IntN(len(s.texts)), 0
	case 1: // an end is forgotten
		s.cached[seq] = s.random.IntN(s.cached[seq] + 1)
		s.c.RemoveSequence(engine.SequenceID(seq), s.cached[seq], -1)
	case 2:
		s.begin(seq, s.random.IntN(len(s.text)))
	case 3:
		s.move(seq, s.random.IntN(len(s.text)))
	}
	for seq, text := range s.text {
		left := min(len(s.texts[text])-s.cached[seq], s.c.Limits().BatchTokens-s.batch.Len())
		n := []int{0, 1, 1, 1, 1 + s.random.IntN(9), 1 + s.random.IntN(150)}[s.random.IntN(6)]
		if n = min(n, left); n > 0 {
			s.add(seq, n)
		}
	}
	s.decode()
}

// begin has a sequence begin with what another has computed.
func (s *schedule) begin(seq, other int) {
	if seq == other || s.cached[other] == 0 {
		return
	}
	s.c.RemoveSequence(engine.SequenceID(seq), 0, -1)
	n := 1 + s.random.IntN(s.cached[other])
	if !s.c.CopySequence(engine.SequenceID(seq), engine.SequenceID(other), n) {
		s.t.Fatal(s.name, "no copy")
	}
	s.text[seq], s.cached[seq] = s.text[other], n
}

// move puts what is computed of a sequence into another place.
func (s *schedule) move(seq, other int) {
	if seq == other || s.cached[seq] == 0 {
		return
	}
	c := s.c.(engine.StateContext)
	state := save(s.t, c, engine.SequenceID(seq), s.cached[seq])
	for _, id := range []int{seq, other} {
		s.c.RemoveSequence(engine.SequenceID(id), 0, -1)
	}
	if err := c.RestoreSequence(engine.SequenceID(other), s.cached[seq], state); err != nil {
		s.t.Fatal(s.name, err)
	}
	s.text[other], s.cached[other], s.cached[seq] = s.text[seq], s.cached[seq], 0
}

// fixedTypes are the types of weights that tests of a fixed shape load.
func fixedTypes() []string {
	if testing.Short() {
		return []string{"F32"}
	}
	return []string{"F32", "Q8_0", "Q4_0"}
}

// eachFixed runs a test with the tiny model's weights in several types.
func eachFixed(t *testing.T, test func(t *testing.T, m engine.Model)) {
	library := llamatest.Open(t)
	source := llamatest.Model(t)
	for _, typeName := range fixedTypes() {
		t.Run(typeName, func(t *testing.T) {
			path := source
			if typeName != "F32" {
				path = filepath.Join(t.TempDir(), typeName+".gguf")
				if err := library.Quantize(t.Context(), source, path, typeName); err != nil {
					t.Fatal(err)
				}
			}
			m, err := library.Load(t.Context(), path, engine.ModelConfig{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := m.Close(); err != nil {
					t.Error(err)
				}
			})
			test(t, m)
		})
	}
}

// In a fixed shape all bits of a row's logits are those of its sequence alone: whatever
// runs beside it, however its tokens came, wherever it is, whatever was forgotten, copied,
// or saved and restored, on however many threads.
func TestFixedShape(t *testing.T) {
	eachFixed(t, func(t *testing.T, m engine.Model) {
		vocab := m.Info().VocabSize
		random := rand.New(rand.NewPCG(7, 7))
		texts := make([][]engine.Token, 3)
		want := make([][][]float32, len(texts))
		for i := range texts {
			for range []int{fixedTokens, 90, 40}[i] {
				texts[i] = append(texts[i], engine.Token(random.IntN(vocab)))
			}
			want[i] = make([][]float32, len(texts[i]))
		}
		alone := newSchedule(t, "alone", m, texts, want, engine.ContextConfig{MaxSequences: 1, Threads: 1}, 0)
		for text := range texts {
			alone.c.RemoveSequence(0, 0, -1)
			alone.text[0], alone.cached[0] = text, 0
			for range texts[text] {
				alone.add(0, 1)
				alone.decode()
			}
		}
		for seed := range uint64(5) {
			cfg, steps := engine.ContextConfig{MaxSequences: 1 + int(seed%4), Threads: 1}, 30
			if seed%3 == 1 {
				cfg.MicroBatchTokens = 5
			}
			if seed == 3 {
				cfg.Threads, steps = 2, 5
			}
			s := newSchedule(t, fmt.Sprintf("schedule %d", seed), m, texts, want, cfg, seed)
			for range steps {
				s.act()
			}
			if s.checked < 2*steps {
				t.Errorf("%s: %d rows were compared", s.name, s.checked)
			}
		}
	})
}

// A context of a fixed shape gives up one position of each sequence, and states of
// another shape.
func TestFixedShapeLimits(t *testing.T) {
	m := llamatest.Load(t)
	cfg := engine.ContextConfig{ContextTokens: 2 * 256, MaxSequences: 2, BatchTokens: 4, MicroBatchTokens: 1}
	free := newContext(t, m, cfg).(engine.StateContext)
	cfg.FixedShape = true
	fixed := newContext(t, m, cfg).(engine.StateContext)
	if got, want := fixed.Limits(), free.Limits(); got.SequenceTokens != want.SequenceTokens-1 || got.MicroBatchTokens < 2 || got.MaxSequences != 2 {
		t.Errorf("%+v, without %+v", got, want)
	}
	if fixed.StateIdentity() == free.StateIdentity() {
		t.Error("states of both shapes are taken for each other")
	}
	if fixed.(engine.ShiftingContext).CanShift() {
		t.Error("a sequence of a fixed shape can be shifted")
	}
	cfg.FlashAttention = engine.FlashAttentionOff
	if _, err := m.NewContext(cfg); err == nil {
		t.Error("a fixed shape without flash attention")
	}
	// To the last position, one by one, and no further.
	n := fixed.Limits().SequenceTokens
	for at := range n {
		fill(t, fixed, 1, at, engine.Token(at%300))
	}
	save(t, fixed, 1, n)
	batch := engine.NewBatch(4)
	for row := range 4 {
		batch.Add(7, []int{0, 1, n, n + 1}[row], engine.SequenceID(row/2), true)
	}
	if err := fixed.Decode(batch); !errors.Is(err, engine.ErrNoCacheSpace) {
		t.Errorf("beyond the end: %v", err)
	}
	save(t, fixed, 1, n)
	fill(t, fixed, 0, 0, 7) // what had room was taken back
}

// Weights of k-quants are kept in an order of the processor's own whose kernels take four
// rows at once, and one that is left over otherwise. That is found out at once, and the
// file's order has no such.
func TestFixedShapeOfRepackedWeights(t *testing.T) {
	if testing.Short() {
		t.Skip("not in short mode: 30 MB are written")
	}
	library := llamatest.Open(t)
	source, path := t.TempDir()+"/15m.gguf", t.TempDir()+"/q4_k_m.gguf"
	if err := seeded.Write(source, seeded.Size15M, seeded.DefaultSeed); err != nil {
		t.Fatal(err)
	}
	if err := library.Quantize(t.Context(), source, path, "Q4_K_M"); err != nil {
		t.Fatal(err)
	}
	for _, noRepack := range []bool{false, true} {
		m, err := library.Load(t.Context(), path, engine.ModelConfig{NoRepack: noRepack})
		if err != nil {
			t.Fatal(err)
		}
		c, err := m.NewContext(engine.ContextConfig{ContextTokens: 2 * 256, MaxSequences: 2, Threads: 1, FixedShape: true})
		switch {
		case err == nil:
			err = c.Close()
		case !noRepack && strings.Contains(err.Error(), "--no-repack"):
			t.Log("refused, as it should be on this processor:", err)
			err = nil
		}
		if err := errors.Join(err, m.Close()); err != nil {
			t.Errorf("in the file's order: %v: %v", noRepack, err)
		}
	}
}
