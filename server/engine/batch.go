package engine

// Batch is the tokens of one Decode, as parallel slices of equal length. Its
// memory is reused from step to step: Reset, Add, Decode.
type Batch struct {
	Tokens    []Token
	Positions []int32
	Sequences []SequenceID
	Logits    []bool // compute logits for this row
}

// NewBatch returns an empty batch with room for capacity tokens.
func NewBatch(capacity int) *Batch {
	return &Batch{
		Tokens:    make([]Token, 0, capacity),
		Positions: make([]int32, 0, capacity),
		Sequences: make([]SequenceID, 0, capacity),
		Logits:    make([]bool, 0, capacity),
	}
}

// Len returns the number of tokens.
func (b *Batch) Len() int { return len(b.Tokens) }

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	b.Tokens = b.Tokens[:0]
	b.Positions = b.Positions[:0]
	b.Sequences = b.Sequences[:0]
	b.Logits = b.Logits[:0]
}

// Add appends a token at position pos of a sequence and returns its row.
func (b *Batch) Add(token Token, pos int, seq SequenceID, logits bool) (row int) {
	b.Tokens = append(b.Tokens, token)
	b.Positions = append(b.Positions, int32(pos))
	b.Sequences = append(b.Sequences, seq)
	b.Logits = append(b.Logits, logits)
	return len(b.Tokens) - 1
}
