// Package lesson makes tokens to learn from out of conversations: it renders
// them through the model's chat template, as the server will, cuts them into
// tokens, and marks those that the model has to find by itself.
//
// # Model
//
// What the assistant says last, with the end of its turn, is to be learnt; all
// else is given. Before an answer in words comes a control token that names its
// topic and spells nothing: which answer fits a question is learnt in one place,
// and how it goes on is the same for all questions. Clients send earlier answers
// back without it, so it is in the last alone. The template goes into the model's file as it is here, and is
// evaluated by the server's own package chat, so that the model is asked in the
// form in which it was taught. It writes questions in small letters and with a
// space before them, so that a word is the same tokens wherever it stands; where
// tools are offered it does not, as a call copies names.
//
//	e, err := lesson.NewEncoder(vocabulary)
//	tokens, targets, err := e.Encode(conversation)
//
// # Limits
//
// A conversation has one token less than its rendering up to the end of its last
// turn: after that nothing is foreseen.
package lesson
