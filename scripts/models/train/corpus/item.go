package corpus

// Kind is what an item teaches.
type Kind uint8

const (
	Answer Kind = iota // a question and its answer
	Chat               // a conversation of several turns
	Call               // a call of a tool
	Object             // a JSON object
)

// String returns the word that begins an item of the kind.
func (k Kind) String() string { return [...]string{"id", "chat", "tool", "json"}[k] }

// Item is one thing to learn.
type Item struct {
	Kind Kind
	ID   string
	Line int // where it begins in its file
	// Wordings ask for the same: the questions, all but in a Chat.
	Wordings []string
	// System is the system message, "" for none.
	System string
	// Tools are JSON objects in OpenAI's form: {"type": "function", …}.
	Tools []string
	// Turns alternate between the user's and the assistant's in a Chat.
	// Otherwise there is one, the assistant's: its text, or the JSON of its
	// call in the form {"name": …, "arguments": {…}}. A question may have none
	// as it is read.
	Turns []string
}

// Set is the items of a corpus.
type Set struct {
	Train, HeldOut []Item
	// SHA256 is of all files' names and contents, in hexadecimal.
	SHA256 string
}
