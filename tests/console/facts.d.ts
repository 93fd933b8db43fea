// What the server writes of the facts that are told with a photo (skinapi/console/routes.py).
export const TOLD: Record<string, { question: string; word: WordKey; asked: WordKey | null; hint: WordKey | null; answers: Record<string, WordKey> }>;
