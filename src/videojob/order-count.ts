/** How many videos of one photo a person may order with one tap. PostgreSQL knows the same numbers (`order_group_count`). */
export const ORDER_COUNTS = [1, 3, 5] as const;

export type OrderCount = (typeof ORDER_COUNTS)[number];
