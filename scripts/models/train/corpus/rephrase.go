package corpus

import (
	"math/rand/v2"
	"strings"
)

// openings are ways to begin a question that mean the same, a line each.
var openings = linesOf(`
How do I |How can I |How to |how would I |What is the way to |what must I do to |I want to |I need to |i'd like to |How does one |Show me how to
What is |What's |Tell me about |Explain |Describe |what exactly is |I don't know |what do you know about |define |info on |so what is
What does |What will |what could |I wonder what
Can I |May I |Is it possible to |Could I |Am I able to |is there a way to |would it be possible to
Does Weir |Will Weir |Does it |Does this |Does the server |does your server |will it
Is there |Do you have |Does it have |Does Weir have |have you got |is there maybe |would there be
Is Weir |Is it |Is this |Is the server |is your server
Why does |Why would |for what reason does |how come
Why is |what makes |for what reason is
What happens if |What if |What does it do if |what goes on when |What happens when |what about when
Which |What
Where is |Where do I find |Where's |where can I see |In what place is
When |At what point |in which case
How many |What number of |how large a number of |the count of
How much |what amount of
What are |List |Name |Which are |tell me
What do I need |What is needed |What is required |what should I have
`)

// words are words that mean nearly the same, a line each.
var words = linesOf(`
start|launch|run|bring up|begin with|fire up
stop|shut down|end|quit|terminate
use|work with|employ
need|require
fast|quick|speedy
change|set|switch|adjust|modify
error|failure|problem|fault
show|display|print
limit|cap|restrict
install|set up
clients|users|callers
support|handle|accept|understand
large|big|huge
small|little|tiny
build|compile
check|verify|make sure of
wrong|broken|not right
difference|distinction
weir|it|the server|this server|your server|this thing|the program
option|flag|switch|setting
many|lots of|a lot of
purpose|point|aim
happens|goes on|occurs
cores|cpus|processors
memory|ram
computer|machine|box
allowed|permitted
possible|doable
write|create
get|obtain|receive
faster|quicker
slow|sluggish
requests|calls|queries
made|created
connection|socket
answer|reply|response
`)

func linesOf(table string) [][]string {
	var all [][]string
	for line := range strings.Lines(table) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			all = append(all, strings.Split(line, "|"))
		}
	}
	return all
}

// alike is every word with its line.
var alike = func() map[string][]string {
	all := map[string][]string{}
	for _, line := range words {
		for _, word := range line {
			all[word] = line
		}
	}
	return all
}()

// reopen begins a question in another way.
func reopen(r *rand.Rand, text string) string {
	lower := strings.ToLower(text)
	for _, line := range openings {
		for _, opening := range line {
			opening = strings.ToLower(strings.TrimSpace(opening)) + " "
			// Where the case of a letter changes its length, nothing is done.
			if len(lower) == len(text) && strings.HasPrefix(lower, opening) {
				return strings.TrimSpace(line[r.IntN(len(line))]) + " " + text[len(opening):]
			}
		}
	}
	return text
}

// reword replaces one word by another that means nearly the same.
func reword(r *rand.Rand, text string) string {
	fields := strings.Split(text, " ")
	var places []int
	for i, field := range fields {
		if _, known := alike[strings.ToLower(strings.TrimRight(field, "?.!,"))]; known {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return text
	}
	at := places[r.IntN(len(places))]
	word := strings.TrimRight(fields[at], "?.!,")
	line := alike[strings.ToLower(word)]
	fields[at] = line[r.IntN(len(line))] + fields[at][len(word):]
	return strings.Join(fields, " ")
}
