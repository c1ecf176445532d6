package slotfile

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/internal/offheap"
)

const (
	magic     = "WEIRSLOT"
	version   = 1
	headBytes = len(magic) + 4 + sha256.Size + 4 + 8

	// stateBytes is the largest state: more than any machine has memory.
	stateBytes = 1 << 46
)

// Error is a file that cannot be taken, or a name that is none, in words for who
// has asked for it.
type Error struct{ What string }

func (e *Error) Error() string { return e.What }

func refuse(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// errCut is a file with fewer bytes, or more, than it says.
var errCut = refuse("the file is cut, or no slot's")

// Encode writes a file and returns how many bytes it has.
func Encode(w io.Writer, identity string, tokens []engine.Token, state []byte) (int64, error) {
	sum := sha256.New()
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 64<<10)
	of := sha256.Sum256([]byte(identity))
	head := binary.LittleEndian.AppendUint32([]byte(magic), version)
	head = append(head, of[:]...)
	head = binary.LittleEndian.AppendUint32(head, uint32(len(tokens)))
	head = binary.LittleEndian.AppendUint64(head, uint64(len(state)))
	out.Write(head) // its errors come again with Flush
	for _, t := range tokens {
		out.Write(binary.LittleEndian.AppendUint32(out.AvailableBuffer(), uint32(t)))
	}
	out.Write(state)
	if err := out.Flush(); err != nil {
		return 0, err
	}
	if _, err := w.Write(sum.Sum(nil)); err != nil {
		return 0, err
	}
	return FileBytes(len(tokens), len(state)), nil
}

// FileBytes is how many bytes a file of so many tokens and bytes of state has.
func FileBytes(tokens, stateBytes int) int64 {
	return int64(headBytes + 4*tokens + stateBytes + sha256.Size)
}

// Expect is what a file has to be.
type Expect struct {
	Identity   string
	Tokens     int // at most
	Vocabulary int // that they are of
}

// Slot is what a file has kept. Its state is memory that Free gives back.
type Slot struct {
	Tokens []engine.Token
	State  []byte
	Bytes  int64 // of the file
}

// Free gives the state's memory back.
func (s *Slot) Free() {
	offheap.Free(s.State)
	s.State = nil
}

// Decode reads a file of so many bytes. One that is not what is expected is an
// *Error.
func Decode(r io.Reader, size int64, want Expect) (*Slot, error) {
	sum := sha256.New()
	tokens, state, err := decodeHead(io.TeeReader(r, sum), size, want)
	if err != nil {
		return nil, err
	}
	s := &Slot{Tokens: tokens, Bytes: size}
	if s.State, err = offheap.New(int(state)); err != nil {
		return nil, err
	}
	if err := s.readState(r, sum); err != nil {
		s.Free()
		return nil, err
	}
	return s, nil
}

// decodeHead reads what comes before the state.
func decodeHead(in io.Reader, size int64, want Expect) (tokens []engine.Token, stateBytes int64, err error) {
	head := make([]byte, headBytes)
	if err := fill(in, head); err != nil {
		return nil, 0, err
	}
	count, stateBytes, err := readHead(head, size, want)
	if err != nil {
		return nil, 0, err
	}
	numbers := make([]byte, 4*count)
	if err := fill(in, numbers); err != nil {
		return nil, 0, err
	}
	tokens = make([]engine.Token, count)
	for i := range tokens {
		tokens[i] = engine.Token(binary.LittleEndian.Uint32(numbers[4*i:]))
		if t := tokens[i]; t < 0 || int(t) >= want.Vocabulary {
			return nil, 0, refuse("the file is damaged: token %d is not in the vocabulary", i)
		}
	}
	return tokens, stateBytes, nil
}

// readHead checks what a file says of itself.
func readHead(head []byte, size int64, want Expect) (tokens int, state int64, err error) {
	numbers := head[len(magic):]
	of := sha256.Sum256([]byte(want.Identity))
	switch {
	case string(head[:len(magic)]) != magic:
		return 0, 0, refuse("the file is no slot's")
	case binary.LittleEndian.Uint32(numbers) != version:
		return 0, 0, refuse("the file was saved by another version of the server")
	case !bytes.Equal(numbers[4:4+sha256.Size], of[:]):
		return 0, 0, refuse("the file was saved with another model or another engine library")
	}
	numbers = numbers[4+sha256.Size:]
	count, bytes := binary.LittleEndian.Uint32(numbers), binary.LittleEndian.Uint64(numbers[4:])
	switch {
	case int64(count) > int64(want.Tokens):
		return 0, 0, refuse("the file has %d tokens, a slot of this server holds %d", count, want.Tokens)
	case bytes > stateBytes, int64(headBytes+sha256.Size)+4*int64(count)+int64(bytes) != size:
		return 0, 0, errCut
	}
	return int(count), int64(bytes), nil
}

// readState fills the state, which ends what is summed, and compares the sum.
func (s *Slot) readState(r io.Reader, sum hash.Hash) error {
	if err := fill(r, s.State); err != nil {
		return err
	}
	sum.Write(s.State)
	told := make([]byte, sha256.Size)
	if err := fill(r, told); err != nil {
		return err
	}
	if !bytes.Equal(told, sum.Sum(nil)) {
		return refuse("the file is damaged: its sum is another one")
	}
	return nil
}

// fill reads exactly as much as fits into dst.
func fill(r io.Reader, dst []byte) error {
	_, err := io.ReadFull(r, dst)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	if err != nil {
		return fmt.Errorf("slotfile: read: %w", err)
	}
	return nil
}
