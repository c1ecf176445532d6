package hftokenizer

import "fmt"

// Notes returns a sentence for each thing that the tokenizer asks for and the
// library does not do: texts that it is about get other tokens.
func (t *Tokenizer) Notes() []string {
	var notes []string
	for _, s := range flatten(t.source.Normalizer) {
		if s.Type != "Prepend" && s.Type != "Replace" {
			notes = append(notes, fmt.Sprintf("texts are normalized by %s, which the library leaves out", s.Type))
		} else if t.byteLevel() {
			notes = append(notes, fmt.Sprintf("the library leaves the normalizer %s out", s.Type))
		}
	}
	for _, s := range flatten(t.source.PreTokenizer) {
		switch {
		case s.Type == "ByteLevel" && (s.AddPrefixSpace == nil || *s.AddPrefixSpace):
			notes = append(notes, "a space goes in front of the text, which the library leaves out")
		case s.Type == "Metaspace" && s.PrependScheme == "first":
			notes = append(notes, "a space goes in front of the text alone, and the library puts one behind special tokens too")
		}
	}
	strip := 0
	for _, added := range t.source.AddedTokens {
		if added.StripLeft || added.StripRight || added.SingleWord {
			strip++
		}
	}
	if strip > 0 {
		notes = append(notes, fmt.Sprintf("%d added tokens take the spaces beside them, or count as whole words only, which the library leaves out", strip))
	}
	return notes
}
