package llama

import (
	"errors"
	"fmt"
	"strings"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/internal/split"
	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

// tokenizer is what tokenising needs to know of a vocabulary, and where it is
// done.
type tokenizer struct {
	specials       *split.Specials
	rules          *split.Rules
	prefix, suffix []engine.Token // what AddSpecial adds
	longestBytes   int            // of a token
	leadingSpace   bool           // the library puts one before raw text
	leadTokens     int            // of lead alone, if leadingSpace
	spelling       *spelling      // nil: every text can be spelt
	desks          *desks
	memo           memo
}

// lead goes before raw text that continues other raw text, where the library
// would put a space before it: what it makes of the two is known and comes off.
const lead = "\n"

// openTokenizer finds out what m's vocabulary does with texts.
func (m *model) openTokenizer(cfg engine.ModelConfig) (err error) {
	c, kind := m.lib.c, m.lib.c.VocabType(m.vocab)
	if m.desks, err = newDesks(cfg.Tokenizers, cfg.Tokenizing); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			m.closeTokenizer()
		}
	}()
	for token := range engine.Token(m.info.VocabSize) {
		m.longestBytes = max(m.longestBytes, len(m.pieces.of(token)))
	}
	m.specials = newSpecials(c, m.vocab, m.pieces)
	both := m.callOnce("", true)
	if m.prefix = both[:0:0]; c.AddsBOS(m.vocab) && len(both) > 0 {
		m.prefix = both[:1:1]
	}
	m.suffix = both[len(m.prefix):]
	preTokenizer, _ := m.Metadata("tokenizer.ggml.pre")
	switch name, _ := m.Metadata("tokenizer.ggml.model"); {
	case preTokenizer == "whitespace" && name != "whitespace":
		// The library ends the process at the first space.
		return errors.New("its pre-tokenizer is for vocabularies of white space alone; convert the model again")
	case name == "hybriddna": // what it does with a text depends on tags far away
		m.rules = split.UncutRules()
	case kind == sys.VocabBytePair:
		m.rules = split.WordRules(preTokenizer)
	case kind == sys.VocabSentencePiece:
		m.spelling = newSpelling(c, m.vocab, m.info.VocabSize)
		m.rules = m.pieceRules()
	case kind == sys.VocabRWKV:
		m.rules, err = split.WholeRules(), m.checkRWKV()
	default:
		m.rules = split.WholeRules()
	}
	return err
}

// closeTokenizer waits for the calls under way; the model's lock is not held.
func (m *model) closeTokenizer() { m.desks.close(cap(m.desks.free)) }

// pieceRules finds out whether the library puts a space before raw text.
func (m *model) pieceRules() *split.Rules {
	if m.spelling.check(" a") != nil {
		return split.UncutRules()
	}
	var text []byte
	for _, token := range m.callOnce("a", false) {
		text = m.pieces.append(text, token, true)
	}
	switch m.leadingSpace = string(text) == " a"; {
	case !m.leadingSpace:
		return split.PieceRules(m.pieces.all, 0)
	case m.spelling.check(lead) != nil:
		return split.UncutRules()
	}
	m.leadTokens = len(m.callOnce(lead, false))
	return split.PieceRules(m.pieces.all, rune(lead[0]))
}

// callOnce tokenises a few bytes of raw text before the model is in use.
func (m *model) callOnce(text string, addSpecial bool) []engine.Token {
	out := make([]int32, 64)
	n := m.lib.c.Tokenize(m.vocab, text, out, addSpecial, false)
	var tokens []engine.Token
	for _, token := range out[:max(0, n)] {
		tokens = append(tokens, engine.Token(token))
	}
	return tokens
}

// checkRWKV refuses a vocabulary with which the library would look for a token
// for ever.
func (m *model) checkRWKV() error {
	var first, alone [256]bool
	for piece := range m.pieces.all {
		if piece != "" {
			first[piece[0]] = true
			alone[piece[0]] = alone[piece[0]] || len(piece) == 1
		}
	}
	for b := range 256 {
		if first[b] && !alone[b] {
			return fmt.Errorf("its vocabulary has no token for the byte %#02x; convert the model again", b)
		}
	}
	return nil
}

// newSpecials lists the tokens that are found by their own text. A token that
// its vocabulary calls an ordinary word, though it looks like the marks of a
// chat, is a control token here: what the library's converter does, and what
// the library undoes for a few of them.
func newSpecials(c *sys.Library, vocab sys.Vocab, p *pieces) *split.Specials {
	var list []split.Special
	for token := range engine.Token(len(p.kind)) {
		if !p.special(token) {
			continue
		}
		s := split.Special{Token: int32(token), Text: c.Text(vocab, int32(token))}
		if s.Text == "" {
			continue
		}
		attr := c.Attr(vocab, int32(token))
		s.Visible = p.kind[token]&pieceControl == 0
		s.Control = !s.Visible || strings.HasPrefix(s.Text, "<|") && strings.HasSuffix(s.Text, "|>")
		s.StripLeft, s.StripRight = attr&sys.AttrStripLeft != 0, attr&sys.AttrStripRight != 0
		list = append(list, s)
	}
	return split.NewSpecials(list)
}
