/** What the step error throws. */
class Failure extends Exception {
    Failure(String why) { super(why) }
}
